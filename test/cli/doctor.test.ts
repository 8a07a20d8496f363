import { mkdirSync, writeFileSync } from 'node:fs';
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
