import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { builtInSpecialists, ownSpecialists, repositorySpecialists } from '../../../src/agents/specialists/folder.ts';
import { problemText } from '../../../src/agents/specialists/specialist.ts';
import { useFolder } from '../support.ts';
import { specialistFile } from './files.ts';

const folder = useFolder();
let agents = '';
let outside = '';
beforeEach(() => {
  agents = join(folder.path, 'repository', '.claude', 'agents');
  outside = join(folder.path, 'outside');
  mkdirSync(agents, { recursive: true });
  mkdirSync(outside);
});
const write = (name: string, text: string): void => writeFileSync(join(agents, name), text);
const read = () => repositorySpecialists(join(folder.path, 'repository'));
const namesOf = async () => (await read()).specialists.map(({ name }) => name);
const problemsOf = async () => (await read()).problems.map(problemText);

describe('the specialists that come with the package', () => {
  it('are five, with the model of each', async () => {
    const { specialists, problems } = await builtInSpecialists();
    expect(problems).toEqual([]);
    expect(Object.fromEntries(specialists.map(({ name, model }) => [name, model]))).toEqual({
      backend: 'claude-sonnet-5-5',
      devops: 'claude-sonnet-5-5',
      frontend: 'claude-haiku-5-5',
      general: 'claude-sonnet-5-5',
      testing: 'claude-sonnet-5-5',
    });
  });

  it('say how to explore, to test, to stop and to report, and can edit files and run commands', async () => {
    for (const { prompt, tools, origin } of (await builtInSpecialists()).specialists) {
      expect(origin).toBe('built-in');
      for (const part of [
        /^## Find out first$/m,
        /^## (?:Test|Check|Write)/m,
        /^## Leave alone$/m,
        /^## Stop/m,
        /\bReport\b/i,
      ]) {
        expect(prompt).toMatch(part);
      }
      expect(tools).toEqual(expect.arrayContaining(['Read', 'Edit', 'Write', 'Bash']));
    }
  });
});

describe('a folder of specialists', () => {
  it('that is not there holds none', async () => {
    const none = { specialists: [], problems: [] };
    expect(await ownSpecialists(join(folder.path, 'no-home'))).toEqual(none);
    expect(await repositorySpecialists(outside)).toEqual(none);
  });

  it('is read in the order of its names, and only what ends in .md', async () => {
    write('b.md', specialistFile('bravo'));
    write('a.md', specialistFile('alpha'));
    write('notes.txt', 'no specialist');
    expect((await read()).specialists).toMatchObject([
      { name: 'alpha', origin: 'repository', path: '.claude/agents/a.md' },
      { name: 'bravo', origin: 'repository', path: '.claude/agents/b.md' },
    ]);
  });

  it('says of each bad file which and where, and has the good ones', async () => {
    write('a.md', specialistFile('alpha'));
    write('broken.md', '---\nname: b\ntools: [\n---\n');
    write('nobody.md', '---\ndescription: b\n---\n');
    mkdirSync(join(agents, 'folder.md'));
    expect(await namesOf()).toEqual(['alpha']);
    expect(await problemsOf()).toEqual([
      expect.stringMatching(/^\.claude\/agents\/broken\.md:3: no valid YAML: /),
      '.claude/agents/folder.md: this is no file',
      '.claude/agents/nobody.md:1: name is missing',
    ]);
  });

  it('has each name once', async () => {
    write('a.md', specialistFile('same', 'first'));
    write('b.md', `---\n# mine\nname: same\ndescription: second\n---\n`);
    expect((await read()).specialists).toMatchObject([{ prompt: 'first' }]);
    expect(await problemsOf()).toEqual(['.claude/agents/b.md:3: the name same is taken by .claude/agents/a.md']);
  });

  it('has no file over 64 KiB, and none that is no text', async () => {
    write('fits.md', specialistFile('fits', 'x'.repeat(60_000)));
    write('large.md', specialistFile('large', 'x'.repeat(65_536)));
    writeFileSync(join(agents, 'latin.md'), Buffer.from([0x2d, 0x2d, 0x2d, 0x0a, 0xe9, 0x0a]));
    expect(await namesOf()).toEqual(['fits']);
    expect(await problemsOf()).toEqual([
      '.claude/agents/large.md: larger than 64 KiB',
      expect.stringMatching(/^\.claude\/agents\/latin\.md: .*utf-8/),
    ]);
  });

  it('has at most 100 files', async () => {
    for (let index = 100; index < 201; index += 1) write(`${index}.md`, specialistFile(`s${index}`));
    expect(await namesOf()).toHaveLength(100);
    expect(await problemsOf()).toEqual(['.claude/agents: more than 100 files: the rest is left out']);
  });

  it('does not wait for a pipe', async () => {
    execFileSync('mkfifo', [join(agents, 'pipe.md')]);
    expect(await problemsOf()).toEqual(['.claude/agents/pipe.md: this is no file']);
  });
});

describe('a link', () => {
  const left = 'a link that leads out of the repository';

  it('out of a repository is not followed, be it of a file or of a folder above it', async () => {
    writeFileSync(join(outside, 'secret.md'), specialistFile('secret'));
    symlinkSync(join(outside, 'secret.md'), join(agents, 'file.md'));
    symlinkSync('../../../outside/secret.md', join(agents, 'relative.md'));
    symlinkSync('/dev/zero', join(agents, 'zero.md'));
    expect(await namesOf()).toEqual([]);
    expect(await problemsOf()).toEqual([
      `.claude/agents/file.md: ${left}`,
      `.claude/agents/relative.md: ${left}`,
      `.claude/agents/zero.md: ${left}`,
    ]);

    const other = join(folder.path, 'other');
    mkdirSync(join(outside, 'agents'));
    writeFileSync(join(outside, 'agents', 'secret.md'), specialistFile('secret'));
    mkdirSync(other);
    symlinkSync(outside, join(other, '.claude'));
    expect(await repositorySpecialists(other)).toEqual({
      specialists: [],
      problems: [{ path: '.claude/agents', line: null, message: left }],
    });
  });

  it('to a sibling whose name only begins alike is one that leads out', async () => {
    const sibling = join(folder.path, 'repository-of-another');
    mkdirSync(sibling);
    writeFileSync(join(sibling, 'secret.md'), specialistFile('secret'));
    symlinkSync(join(sibling, 'secret.md'), join(agents, 'file.md'));
    expect(await problemsOf()).toEqual([`.claude/agents/file.md: ${left}`]);
  });

  it('within it is followed', async () => {
    writeFileSync(join(folder.path, 'repository', 'shared.md'), specialistFile('shared'));
    symlinkSync('../../shared.md', join(agents, 'a.md'));
    expect(await namesOf()).toEqual(['shared']);
  });

  it("of a person's own leads wherever they like", async () => {
    writeFileSync(join(outside, 'mine.md'), specialistFile('mine'));
    mkdirSync(join(folder.path, 'home', 'agents'), { recursive: true });
    symlinkSync(join(outside, 'mine.md'), join(folder.path, 'home', 'agents', 'mine.md'));
    const { specialists } = await ownSpecialists(join(folder.path, 'home'));
    expect(specialists).toMatchObject([
      { name: 'mine', origin: 'home', path: join(folder.path, 'home', 'agents', 'mine.md') },
    ]);
  });
});
