import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from '../../src/agents/specialists/catalogue.ts';
import { namelessNote } from '../../src/cli/specialists.ts';
import { specialistFile, writeFiles } from '../agents/specialists/files.ts';
import { World } from './world.ts';

interface Agent {
  readonly name: string;
  readonly origin: string;
  readonly path: string | null;
  readonly overriddenBy: string | null;
}
interface Said {
  readonly agents: readonly Agent[];
  readonly problems: readonly object[];
}

const agentsOf = (world: World): Said => JSON.parse(world.stdout.join('\n')) as Said;
const own = (world: World, files: Readonly<Record<string, string>>): void =>
  writeFiles(join(world.home, 'agents'), files);

function checkout(world: World, files: Readonly<Record<string, string>>): string {
  const folder = join(world.folder, 'checkout');
  writeFiles(join(folder, '.claude', 'agents'), files);
  execFileSync('git', ['init', '--quiet', folder]);
  mkdirSync(join(folder, 'src'));
  return folder;
}

describe('peer agents', () => {
  it('lists those of the package where there is nothing else, and makes no home', async () => {
    using world = new World();
    expect(await world.run(['agents'])).toBe(0);
    expect(world.stdout.join('\n').split('\n')).toEqual([
      expect.stringMatching(/NAME +MODEL +TOOLS +FROM +DESCRIPTION/),
      expect.stringMatching(/^backend +claude-sonnet-5-5 +Read,\S+ +built in +\S/),
      expect.stringMatching(/^devops +claude-sonnet-5-5 /),
      expect.stringMatching(/^frontend +claude-haiku-5-5 /),
      expect.stringMatching(/^general +claude-sonnet-5-5 /),
      expect.stringMatching(/^testing +claude-sonnet-5-5 /),
    ]);
    expect(world.stderr).toEqual([]);
    expect(existsSync(world.home)).toBe(false);
  });

  it('says which overrides which: the repository the person, the person the package', async () => {
    using world = new World();
    own(world, { 'b.md': specialistFile('backend'), 'm.md': specialistFile('mobile') });
    const repo = checkout(world, { 'b.md': specialistFile('backend') });
    const mine = join(world.home, 'agents', 'b.md');
    for (const args of [
      ['--repo', repo],
      ['--repo', join(repo, 'src')],
      ['--repo', 'checkout'],
    ]) {
      world.stdout.length = 0;
      expect(await world.run(['agents', '--json', ...args])).toBe(0);
      const { agents, problems } = agentsOf(world);
      expect(problems).toEqual([]);
      expect(agents.map(({ name }) => name)).toEqual([
        ...['backend', 'backend', 'backend', 'devops', 'frontend', 'general', 'mobile', 'testing'],
      ]);
      const theirs = '.claude/agents/b.md';
      expect(agents.slice(0, 3)).toMatchObject([
        { origin: 'repository', path: theirs, overriddenBy: null },
        { origin: 'built-in', path: null, overriddenBy: theirs },
        { origin: 'home', path: mine, overriddenBy: theirs },
      ]);
    }
    world.stdout.length = 0;
    await world.run(['agents', '--repo', repo]);
    expect(world.stdout.join('\n')).toMatch(/^\(backend\) .* built in .*overridden by \.claude\/agents\/b\.md$/m);
  });

  it('looks at the checkout around here without being told', async () => {
    using world = new World();
    execFileSync('git', ['init', '--quiet', world.folder]);
    writeFiles(join(world.folder, '.claude', 'agents'), { 'm.md': specialistFile('mobile') });
    await world.run(['agents', '--json']);
    expect(agentsOf(world).agents).toContainEqual(expect.objectContaining({ name: 'mobile', origin: 'repository' }));
  });

  it('lists the good ones, says one line for each bad file, and ends with 2', async () => {
    using world = new World();
    own(world, { 'bad.md': '---\nname: bad\nmodel: 7\n---\n', 'good.md': specialistFile('good') });
    const repo = checkout(world, { 'worse\u001b[2J.md': 'nothing\n' });
    expect(await world.run(['agents', '--json', '--repo', repo])).toBe(2);
    expect(agentsOf(world).agents).toContainEqual(expect.objectContaining({ name: 'good' }));
    expect(agentsOf(world).problems).toMatchObject([
      { line: 1 },
      { line: 1, path: '.claude/agents/worse\u001b[2J.md' },
    ]);
    expect(world.stderr).toEqual([
      `peer: ${join(world.home, 'agents', 'bad.md')}:1: description is missing`,
      'peer: .claude/agents/worse.md:1: the first line must be ---, with the name below it',
    ]);
  });

  it('of no checkout is a mistake', async () => {
    using world = new World();
    for (const repo of [world.folder, join(world.folder, 'missing'), '.']) {
      world.stderr.length = 0;
      expect(await world.run(['agents', '--repo', repo])).toBe(2);
      expect(world.stderr).toEqual([expect.stringMatching(/^peer: --repo: .* is in no checkout of a repository/)]);
    }
  });
});

describe('a tool or a model that nobody knows', () => {
  const doubtful = 'tools: Read, Bahs\nmodel: sonet\n';

  it('is a warning with its file and line, and no mistake', async () => {
    using world = new World();
    own(world, { 'm.md': specialistFile('mobile', 'x', doubtful) });
    const repo = checkout(world, { 'o.md': specialistFile('other', 'x', 'tools: bash\n') });
    expect(await world.run(['agents', '--json', '--repo', repo])).toBe(0);
    const mine = join(world.home, 'agents', 'm.md');
    expect(world.stderr).toEqual([
      `peer: warning: ${mine}:4: tools: Bahs is no tool that is known, and gives nothing`,
      expect.stringMatching(/^peer: warning: .*m\.md:5: model: sonet is no model that is known: sonnet, opus, haiku, /),
      'peer: warning: .claude/agents/o.md:4: tools: bash is no tool that is known, and gives nothing: write Bash',
    ]);
    expect(agentsOf(world)).toMatchObject({
      problems: [],
      warnings: [{ path: mine, line: 4 }, { line: 5 }, { line: 4 }],
    });
  });

  it('is one to doctor too', async () => {
    using world = new World();
    own(world, { 'm.md': specialistFile('mobile', 'x', doubtful) });
    expect(await world.run(['doctor'])).toBe(0);
    expect(world.stdout.join('\n')).toMatch(
      /^ok +specialists +5 built in, 1 of your own\n! +specialists +.*m\.md:4: tools: Bahs .*\n! +specialists +.*:5: /m,
    );
  });
});

describe('a malformed specialist in the home', () => {
  const bad = { 'bad.md': '---\nname: bad\ndescription: x\nmodel: [1]\n---\n' };

  it('keeps a peer from starting, before it makes anything', async () => {
    using world = new World();
    own(world, bad);
    expect(await world.run(['start', '--no-mdns'])).toBe(2);
    expect(world.stderr).toEqual([expect.stringMatching(/^peer: .*agents\/bad\.md:4: model: .*: correct it, or move/)]);
    expect(existsSync(join(world.home, 'mesh.json'))).toBe(false);
  });

  it('is bad to doctor, with its line', async () => {
    using world = new World();
    own(world, bad);
    expect(await world.run(['doctor'])).toBe(1);
    expect(world.stdout.join('\n')).toMatch(/^BAD +specialists +.*agents\/bad\.md:4: model: /m);
  });
});

it('a specialty that no specialist is called is told of, in one line', async () => {
  using world = new World();
  const catalogue = await readCatalogue(world.home);
  expect(namelessNote(['backnd', 'backend', 'rust'], catalogue)).toMatch(
    /^no specialist here is called backnd, rust: /,
  );
  expect(namelessNote(['backend', 'general'], catalogue)).toBeNull();
});

describe('doctor', () => {
  it('counts them, and warns of a specialty that no file is about', async () => {
    using world = new World();
    own(world, { 'mobile.md': specialistFile('mobile') });
    const config = join(world.home, 'config.json');
    writeFileSync(config, '{"specialties":["backend","mobile"]}');
    expect(await world.run(['doctor'])).toBe(0);
    expect(world.stdout.join('\n')).toMatch(/^ok +specialists +5 built in, 1 of your own$/m);
    writeFileSync(config, '{"specialties":["bakcend"]}');
    expect(await world.run(['doctor'])).toBe(0);
    expect(world.stdout.join('\n')).toMatch(/^! +specialists +none for bakcend, which `general` does/m);
  });
});
