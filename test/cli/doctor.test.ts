import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { FakeService, makeView } from '../peer/control/fake-service.ts';
import { World } from './world.ts';

describe('doctor', () => {
  it('finds nothing bad in a fresh home, and says what is missing', async () => {
    using world = new World();
    expect(await world.run(['doctor', '--json'])).toBe(0);
    const { ok, checks } = JSON.parse(world.stdout[0] ?? '') as {
      ok: boolean;
      checks: { name: string; state: string }[];
    };
    expect(ok).toBe(true);
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ node: 'good', git: 'good', identity: 'good', mesh: 'warning', peer: 'warning' });
    expect(states['kept work']).toBe('good');
  });

  it('changes nothing: the folder that is not there yet is not there after it', async () => {
    using world = new World();
    expect(await world.run(['doctor'])).toBe(0);
    expect(existsSync(world.home)).toBe(false);
    mkdirSync(world.home);
    expect(await world.run(['doctor'])).toBe(0);
    expect(readdirSync(world.home)).toEqual([]);
    const lines = world.stdout.join('\n');
    expect(lines).toMatch(/^ok +state folder +.*home, made by the first `peer start`$/m);
    expect(lines).toMatch(/^ok +identity +none yet: /m);
  });

  it('tells of a state folder that is none', async () => {
    using world = new World();
    writeFileSync(world.home, '');
    expect(await world.run(['doctor'])).toBe(1);
    expect(world.stdout.join('\n')).toMatch(/^BAD +state folder +.*home is not a folder: .*PEER_HOME/m);
  });

  it('tells once what is wrong in config.json', async () => {
    using world = new World();
    mkdirSync(world.home);
    writeFileSync(join(world.home, 'config.json'), '{"nme":"desk"}');
    expect(await world.run(['doctor'])).toBe(1);
    const told = world.stdout.join('\n').split('\n');
    expect(told.filter((line) => line.includes('"nme"'))).toEqual([
      expect.stringMatching(/^BAD +config\.json +.*did you mean "name"/),
    ]);
  });

  it('says in a short line that a PC without an agent takes no work', async () => {
    using world = new World();
    expect(await world.run(['doctor'])).toBe(0);
    const line = world.stdout.join('\n').match(/^! +executor +(.*)$/m)?.[1];
    expect(line).toMatch(/^this PC takes no work: no agent to run: give `peer start` a --command CMD, or .*API_KEY$/);
    expect(line?.length).toBeLessThan(150);
    mkdirSync(world.home);
    writeFileSync(join(world.home, 'config.json'), '{"executor":"anthropic"}');
    expect(await world.run(['doctor'])).toBe(1);
    expect(world.stdout.join('\n')).toMatch(/^BAD +executor +config\.json asks for anthropic: no key: set ANTHROPIC/m);
  });

  it('gives each file of a specialist that is wrong a line of its own', async () => {
    using world = new World();
    mkdirSync(join(world.home, 'agents'), { recursive: true });
    for (const name of ['one', 'other']) writeFileSync(join(world.home, 'agents', `${name}.md`), 'no front matter');
    expect(await world.run(['doctor'])).toBe(1);
    const told = world.stdout.join('\n').split('\n');
    expect(told.filter((line) => /^BAD +specialists +/.test(line))).toEqual([
      expect.stringContaining('agents/one.md:'),
      expect.stringContaining('agents/other.md:'),
    ]);
  });

  it('ends with 1 and the mend where something is', async () => {
    using world = new World();
    mkdirSync(world.home);
    writeFileSync(join(world.home, 'mesh.json'), '{}');
    expect(await world.run(['doctor'])).toBe(1);
    expect(world.stdout.join('\n')).toMatch(/^BAD +mesh +.*mesh\.json.*peer join CODE/m);
  });

  it('tells of work that was kept, and what it takes', async () => {
    using world = new World();
    const kept = join(world.home, 'work', 'kept-abcdef12-1-1767225600000');
    mkdirSync(kept, { recursive: true });
    writeFileSync(join(kept, 'big'), 'x'.repeat(3_000_000));
    expect(await world.run(['doctor'])).toBe(0);
    expect(world.stdout.join('\n')).toMatch(/^! +kept work +1 clone with work that was not published, 3 MiB: .*kept-/m);
  });

  it('says whether agents can be confined', async () => {
    using world = new World();
    vi.stubEnv('PATH', world.folder);
    await world.run(['doctor']);
    mkdirSync(world.home, { recursive: true });
    writeFileSync(join(world.home, 'config.json'), '{"sandbox":"require"}');
    await world.run(['doctor']);
    vi.unstubAllEnvs();
    const lines = world.stdout.join('\n');
    expect(lines).toMatch(/^! +sandbox +agents can read what you can: bubblewrap is not installed: `sudo apt install/m);
    expect(lines).toMatch(/^BAD +sandbox +config\.json requires one: bubblewrap is not installed/m);
  });

  it('asks the peer that is running what it was started with', async () => {
    using world = new World();
    mkdirSync(world.home);
    const server = await serveControl(new FakeService(makeView('x')), socketPath({ folder: world.home }), () => {});
    expect(await world.run(['doctor'])).toBe(0);
    writeFileSync(join(world.home, 'config.json'), '{"command":"no-such-program"}');
    expect(await world.run(['doctor'])).toBe(0);
    await server.close();
    expect(world.stdout.join('\n')).toMatch(/^ok +executor +command, of the peer that is running$/m);
    expect(world.stdout.join('\n')).toMatch(
      /^! +executor +config\.json, command: .*no-such-program.*; command, of the peer that is running$/m,
    );
    expect(world.stdout.join('\n')).toMatch(/^ok +peer +alpha is running and sees 1 other$/m);
  });
});
