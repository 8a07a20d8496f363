import { describe, expect, test } from 'vitest';
import { useVerify, verifyTrailer } from './support.ts';

const { pc, start } = useVerify();

describe('what is run', () => {
  test('is what the repository says, which the agent is told', async () => {
    pc.personPushes({ Makefile: 'test:\n\t@grep good b.txt\n' });
    const { published, log } = start({ executor: 'cat >&2; echo good > b.txt' });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.forge.pulls[0]?.body).toContain('Verified: `make test` passes.');
    expect(await log()).toContain('This command must pass when you are done: `make test`');
  });

  test('is npm’s, with what it needs installed first', async () => {
    const test = 'test -d node_modules && grep good b.txt';
    pc.personPushes({
      'package.json': JSON.stringify({
        name: 'x',
        version: '1.0.0',
        scripts: { test },
        dependencies: { y: 'file:./y' },
      }),
      'y/package.json': JSON.stringify({ name: 'y', version: '1.0.0' }),
      '.gitignore': 'node_modules\n',
    });
    const { published } = start({ executor: 'echo good > b.txt' });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.forge.pulls[0]?.body).toContain('Verified: `npm test` passes.');
  });

  test('is what the first tests of a repository are run by', async () => {
    const { published } = start({ executor: "printf 'test:\\n\\t@true\\n' > Makefile" });
    expect(await published()).toMatchObject({ verified: true });
  });

  test('runs in the task’s folder', async () => {
    pc.personPushes({ 'packages/web/index.js': '1\n' });
    const { published } = start({
      executor: 'echo b > b.txt',
      body: { path: 'packages/web', verify: 'test -e index.js && test -e b.txt' },
    });
    expect(await published()).toMatchObject({ verified: true });
  });

  test('is what is set for the repository, before what it says, and after what the task says', async () => {
    pc.personPushes({ Makefile: 'test:\n\tfalse\n' });
    const settings = { commands: { [pc.origin]: 'echo the set one' }, rounds: 0 };
    const { published } = start({ executor: 'echo b > b.txt', settings });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.forge.pulls[0]?.body).toContain('`echo the set one` passes');
    const told = start({ executor: 'echo c > c.txt', settings, body: { title: 'Another', verify: 'false' } });
    expect(await told.published()).toMatchObject({ verified: false });
  });

  test.each([
    ['nothing is found', {}, {}, /no test command was given, and none was found/],
    ['it is switched off', { Makefile: 'test:\n\tfalse\n' }, { off: true }, /switched off/],
    [
      'its program is not here',
      { 'pytest.ini': '', 'uv.lock': '' },
      { path: '/usr/bin:/bin' },
      /needs `uv`, which is not on/,
    ],
  ])('is nothing where %s, which is said and is no failure', async (_, files, set, said) => {
    if (Object.keys(files).length > 0) pc.personPushes(files as Readonly<Record<string, string>>);
    const before = process.env.PATH;
    if ('path' in set) process.env.PATH = set.path;
    try {
      const commands = 'off' in set ? { [pc.origin]: false as const } : {};
      const { job, published } = start({ executor: 'echo b > b.txt', settings: { commands } });
      expect(await published()).not.toHaveProperty('verified');
      expect(pc.forge.pulls).toMatchObject([{ draft: false, body: expect.stringMatching(/Not verified: /) }]);
      expect(pc.forge.pulls[0]?.body).toMatch(said);
      expect(pc.trailerOf(job.task, verifyTrailer)).toBe('');
    } finally {
      process.env.PATH = before;
    }
  });

  test('sees no token, and that nobody looks on', async () => {
    process.env.GITHUB_TOKEN = 'secret';
    try {
      const { published } = start({
        executor: 'echo b > b.txt',
        body: { verify: 'test -z "$GITHUB_TOKEN" && test "$CI" = true' },
      });
      expect(await published()).toMatchObject({ verified: true });
    } finally {
      delete process.env.GITHUB_TOKEN;
    }
  });
});
