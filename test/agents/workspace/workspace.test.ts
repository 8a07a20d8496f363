import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { GitRemote } from '../../../src/agents/git.ts';
import { Mirrors } from '../../../src/agents/workspace/mirror.ts';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { Workspaces } from '../../../src/agents/workspace/workspaces.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import type { Task, TaskBody } from '../../../src/protocol/record.ts';
import { makeRepository, person, taskFor, useFolder } from '../support.ts';

const folder = useFolder();
const identity = { name: 'issue-mesh', email: 'issue-mesh@localhost' };
const { signal } = new AbortController();
let origin = '';
let home = '';

beforeEach(() => {
  origin = makeRepository(folder.path, { 'a.txt': 'a\n', 'packages/web/index.js': '1\n', '.gitignore': 'junk/\n' });
  home = join(folder.path, 'home');
});

const task = (changes?: Partial<TaskBody>) => taskFor(origin, changes);
const request = (of: Task, attempt = 1, remote: GitRemote = { url: origin, authorization: null }) =>
  ({ task: of, attempt, remote, identity, saved: null, signal }) as const;
const open = (
  changes?: Partial<TaskBody>,
  workspaces = new Workspaces(home, new Mirrors(home), () => 'open'),
): Promise<Workspace> => workspaces.open(request(task(changes)));
const snapshot = (workspace: Workspace): Promise<CommitId | null> => workspace.snapshot(signal);
const show = (workspace: Workspace, ...args: string[]): string => person(workspace.publishDir, ...args);
const committed = async (workspace: Workspace): Promise<CommitId> => {
  const commit = await snapshot(workspace);
  if (commit === null) throw new Error('nothing was committed');
  return commit;
};
const agent = (workspace: Workspace, script: string): string =>
  execFileSync('/bin/sh', ['-ec', script], { cwd: workspace.cwd, encoding: 'utf8', stdio: 'pipe' });
const everythingIn = (path: string): readonly string[] => readdirSync(path, { recursive: true }).map(String);

describe('a clone', () => {
  test('is at the tip of the default branch, on the task’s branch', async () => {
    const workspace = await open();
    expect(readFileSync(join(workspace.cwd, 'a.txt'), 'utf8')).toBe('a\n');
    expect(workspace.base).toEqual({ branch: 'main', commit: person(origin, 'rev-parse', 'main') });
    expect(agent(workspace, 'git branch --show-current').trim()).toBe(`peer/task-${task().id.slice(0, 8)}`);
  });

  test('starts from the branch that was asked for, and sees what was pushed since the last time', async () => {
    await (await open()).close(true);
    const checkout = join(folder.path, 'checkout');
    person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'second');
    person(checkout, 'push', '--quiet', 'origin', 'HEAD:refs/heads/release/1.0');
    const { base } = await open({ base: 'release/1.0' });
    expect(base.commit).toBe(person(checkout, 'rev-parse', 'HEAD'));
  });

  test('has what the repository tells agents, and how it sets them up', async () => {
    const checkout = join(folder.path, 'checkout');
    mkdirSync(join(checkout, '.claude', 'agents'), { recursive: true });
    for (const path of ['CLAUDE.md', '.claude/settings.json', '.claude/agents/own.md']) {
      writeFileSync(join(checkout, path), `${path}\n`);
    }
    person(checkout, 'add', '--all', '--force');
    person(checkout, 'commit', '--quiet', '-m', 'for agents');
    person(checkout, 'push', '--quiet', 'origin', 'main');
    const script = 'cat CLAUDE.md .claude/settings.json .claude/agents/own.md';
    expect(agent(await open(), script)).toBe('CLAUDE.md\n.claude/settings.json\n.claude/agents/own.md\n');
  });

  test('works in the task’s folder', async () => {
    expect(agent(await open({ path: 'packages/web' }), 'ls')).toBe('index.js\n');
  });

  test.each(['no/such', '../../..', '/etc/../..'])('refuses the folder %s', async (path) => {
    await expect(open({ path })).rejects.toMatchObject({ code: 'no-such-folder' });
  });

  test('refuses a folder that a link leads to', async () => {
    const checkout = join(folder.path, 'checkout');
    symlinkSync('/tmp', join(checkout, 'out'));
    person(checkout, 'add', '--all');
    person(checkout, 'commit', '--quiet', '-m', 'link');
    person(checkout, 'push', '--quiet', 'origin', 'main');
    await expect(open({ path: 'out' })).rejects.toMatchObject({ code: 'no-such-folder' });
    expect(readdirSync(join(home, 'work'))).toEqual([]);
  });

  test('has an origin that holds no secret and that nobody can push to', async () => {
    const url = `file://me:secret@localhost${origin}`;
    const remote = { url, authorization: null };
    const workspace = await new Workspaces(home, new Mirrors(home), () => 'open').open(request(task(), 1, remote));
    expect(agent(workspace, 'git remote get-url origin').trim()).toBe(`file://localhost${origin}`);
    expect(agent(workspace, 'git remote get-url --push origin').trim()).toBe('pushing-is-done-by-the-peer');
    const files = everythingIn(home).filter((path) => statSync(join(home, path)).isFile());
    for (const path of files) expect(readFileSync(join(home, path), 'latin1')).not.toContain('me:secret');
  });

  test('shares no file with the mirror that an agent could write', async () => {
    const workspace = await open();
    const objects = everythingIn(join(workspace.cwd, '.git/objects')).filter((path) => /pack$|^..\/.{38}/.test(path));
    expect(objects.filter((path) => statSync(join(workspace.cwd, '.git/objects', path)).isFile())).toEqual([]);
  });
});

describe('a mirror', () => {
  test('of an empty repository says so', async () => {
    const bare = join(folder.path, 'empty.git');
    person(folder.path, 'init', '--quiet', '--bare', bare);
    const remote = { url: bare, authorization: null };
    const mirrors = new Mirrors(home);
    for (const base of [null, 'main']) {
      await expect(mirrors.refresh(remote, base, signal)).rejects.toMatchObject({ code: 'empty-repository' });
    }
  });

  test('of a repository without that branch says so', async () => {
    await expect(open({ base: 'none' })).rejects.toMatchObject({ code: 'no-such-branch' });
    await expect(open({ base: 'main^{tree}' })).rejects.toMatchObject({ code: 'no-such-branch' });
  });

  test('of a repository whose HEAD names no branch asks for one', async () => {
    person(origin, 'symbolic-ref', 'HEAD', 'refs/heads/none');
    await expect(open()).rejects.toMatchObject({ code: 'no-default-branch' });
  });

  test('of a repository with long commit ids, from the clone to the snapshot', async () => {
    origin = join(folder.path, 'long.git');
    const checkout = join(folder.path, 'long');
    person(folder.path, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', checkout);
    person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    person(folder.path, 'clone', '--quiet', '--bare', checkout, origin);
    const workspace = await open();
    agent(workspace, 'echo b > b.txt; git add .; git commit -qm own');
    expect(await committed(workspace)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is there only once it is complete', async () => {
    const mirrors = new Mirrors(home);
    const none = { url: join(folder.path, 'none'), authorization: null };
    await expect(mirrors.refresh(none, 'main', signal)).rejects.toMatchObject({ code: 'not-found' });
    expect(mirrors.has(none.url)).toBe(false);
    await open();
    expect(mirrors.has(origin)).toBe(true);
  });

  test('is used again after a git that was killed has left its locks', async () => {
    await (await open()).close(true);
    const [name = ''] = readdirSync(join(home, 'mirrors'));
    for (const lock of ['packed-refs.lock', 'refs/heads/main.lock', 'HEAD.lock']) {
      writeFileSync(join(home, 'mirrors', name, lock), '');
    }
    const checkout = join(folder.path, 'checkout');
    person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'second');
    person(checkout, 'push', '--quiet', 'origin', 'main');
    expect((await open()).base.commit).toBe(person(origin, 'rev-parse', 'main'));
  });

  test('that was damaged is made again', async () => {
    await (await open()).close(true);
    const [name = ''] = readdirSync(join(home, 'mirrors'));
    writeFileSync(join(home, 'mirrors', name, 'HEAD'), '');
    expect((await open()).base.branch).toBe('main');
  });

  test('is neither given up nor made again while somebody works with it', async () => {
    const mirrors = new Mirrors(home);
    const remote = { url: origin, authorization: null };
    const { dir, release } = await mirrors.refresh(remote, null, signal);
    await mirrors.discard(origin);
    expect(mirrors.has(origin)).toBe(true);
    writeFileSync(join(dir, 'HEAD'), '');
    await expect(mirrors.refresh(remote, null, signal)).rejects.toMatchObject({ code: 'mirror-in-use' });
    release();
    release();
    expect((await mirrors.refresh(remote, null, signal)).base.branch).toBe('main');
  });

  test('is lent for as long as there is a workspace', async () => {
    const mirrors = new Mirrors(home);
    const workspace = await open({}, new Workspaces(home, mirrors, () => 'open'));
    await mirrors.discard(origin);
    expect(agent(workspace, 'git log --format=%s').trim()).toBe('first');
    await workspace.close(true);
    await mirrors.discard(origin);
    expect(mirrors.has(origin)).toBe(false);
  });

  test.each([
    ['nothing', () => 0, /only 0\.0 GiB are free/],
    ['less than an agent needs', () => 1024 ** 3 - 1, /of 1\.0 GiB needed/],
  ])('is not fetched where the disk has %s left', async (_, free, message) => {
    const mirrors = new Mirrors(home, async () => free());
    const fetching = mirrors.refresh({ url: origin, authorization: null }, null, signal);
    await expect(fetching).rejects.toMatchObject({ code: 'no-space', message: expect.stringMatching(message) });
    expect(mirrors.has(origin)).toBe(false);
  });

  test('serves several attempts at once', async () => {
    const workspaces = new Workspaces(home, new Mirrors(home), () => 'open');
    const opened = await Promise.all([1, 2, 3].map((attempt) => workspaces.open(request(task(), attempt))));
    expect(new Set(opened.map(({ cwd }) => cwd)).size).toBe(3);
  });
});

describe('a snapshot', () => {
  test('of changed, new, removed and ignored files is one commit on the base', async () => {
    const workspace = await open();
    agent(
      workspace,
      'echo more >> a.txt; echo b > "b \\"x\\".txt"; rm packages/web/index.js; mkdir junk; echo j > junk/j',
    );
    const commit = await committed(workspace);
    expect(show(workspace, 'rev-parse', `${commit}^`)).toBe(workspace.base.commit);
    expect(show(workspace, 'show', '--format=', '--name-status', '-z', commit).split('\0').filter(Boolean)).toEqual([
      'M',
      'a.txt',
      'A',
      'b "x".txt',
      'D',
      'packages/web/index.js',
    ]);
    const message = `Add a file\n\nMesh-Task: ${task().id}\nMesh-Attempt: 1`;
    expect(show(workspace, 'log', '-1', '--format=%an <%ae>%n%B', commit)).toBe(
      `issue-mesh <issue-mesh@localhost>\n${message}`,
    );
  });

  test('keeps the agent’s commits, with the trailers on a last one for what it left', async () => {
    const workspace = await open();
    agent(workspace, 'echo b > b.txt; git add .; git commit -qm "Add b"; echo c > c.txt');
    const commit = await committed(workspace);
    expect(show(workspace, 'log', '--format=%s', `${workspace.base.commit}..${commit}`)).toBe('Add a file\nAdd b');
    expect(show(workspace, 'show', `${commit}:b.txt`, `${commit}:c.txt`)).toBe('b\nc');
  });

  test('puts the trailers on the agent’s own last commit, and drops those it has made up', async () => {
    const workspace = await open();
    const script = `git -c user.name=Agent commit -qm "Add b" -m "Because.
---
mesh-task: ${'0'.repeat(64)}
Signed-off-by: x"`;
    agent(workspace, `echo b > b.txt; git add .; ${script}`);
    const commit = await committed(workspace);
    expect(show(workspace, 'log', '-1', '--format=%an/%cn/%s', commit)).toBe('Agent/issue-mesh/Add b');
    expect(show(workspace, 'log', '-1', '--format=%(trailers:key=Mesh-Task,valueonly)', commit)).toBe(task().id);
    expect(show(workspace, 'rev-parse', `${commit}^`)).toBe(workspace.base.commit);
    expect(show(workspace, 'log', '-1', '--format=%B', commit)).toContain('Because.');
  });

  test('finds a commit on a branch of the agent’s own, packed as well', async () => {
    const workspace = await open();
    agent(
      workspace,
      'git checkout -qb own/branch; echo b > b.txt; git add .; git commit -qm own; git gc -q; git pack-refs --all',
    );
    expect(show(workspace, 'log', '-1', '--format=%s', await committed(workspace))).toBe('own');
  });

  test.each([
    ['nothing was done', 'true'],
    [
      'it was undone',
      'echo b > a.txt; git commit -qam b; git revert --no-edit HEAD -q 2>/dev/null || git revert --no-edit HEAD',
    ],
    ['only ignored files are new', 'mkdir junk; echo j > junk/j'],
  ])('is none where %s', async (_, script) => {
    const workspace = await open();
    agent(workspace, script);
    expect(await snapshot(workspace)).toBeNull();
  });

  test.each([
    ['a history of its own', 'git checkout -q --orphan o; git commit -qm o', /without the commit it started from/],
    ['a repository inside', 'git init -q sub; cd sub; git commit -q --allow-empty -m x', /of its own in `sub`/],
  ])('refuses %s', async (_, script, reason) => {
    const workspace = await open();
    agent(workspace, script);
    await expect(snapshot(workspace)).rejects.toMatchObject({
      code: 'bad-result',
      message: expect.stringMatching(reason),
    });
  });

  test('takes the files alone where the clone’s .git is gone', async () => {
    const workspace = await open();
    agent(workspace, 'echo b > b.txt; rm -rf .git');
    const commit = await committed(workspace);
    expect(show(workspace, 'rev-parse', `${commit}^`)).toBe(workspace.base.commit);
  });
});

describe('a hostile clone runs nothing in the peer’s name', () => {
  const ran = (): string => join(folder.path, 'ran');
  const trap = (): string => {
    const path = join(folder.path, 'trap.sh');
    writeFileSync(path, `#!/bin/sh\necho "$0 $@" >> ${ran()}\ncat\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const hooks = [
    'pre-commit',
    'post-commit',
    'post-checkout',
    'reference-transaction',
    'post-index-change',
    'pre-push',
  ];

  test.each([
    ['hooks', () => `for h in ${hooks.join(' ')}; do cp ${trap()} .git/hooks/$h; done`],
    ['a hooks path', () => `git config core.hooksPath ${folder.path}; cp ${trap()} ${folder.path}/pre-commit`],
    ['fsmonitor', () => `git config core.fsmonitor ${trap()}`],
    [
      'a filter',
      () =>
        `echo "* filter=x" > .gitattributes; git config filter.x.clean ${trap()}; git config filter.x.process ${trap()}`,
    ],
    ['a signing program', () => `git config commit.gpgSign true; git config gpg.program ${trap()}`],
    [
      'a promisor',
      () => `git config extensions.partialClone x; git config remote.x.promisor true
      git config remote.x.url ${folder.path}/origin.git; git config remote.x.uploadpack ${trap()}`,
    ],
    ['rewritten URLs', () => `git config url."ext::${trap()} ".insteadOf /; git config protocol.ext.allow always`],
    ['a pack hook', () => `git config uploadpack.packObjectsHook ${trap()}`],
    [
      'an external diff',
      () => `git config diff.external ${trap()}; git config core.pager ${trap()}; git config pager.log ${trap()}`,
    ],
    ['an include', () => `printf '[core]\\n fsmonitor = ${trap()}\\n' > inc; git config include.path ../inc`],
  ])('%s', async (_, plant) => {
    const workspace = await open();
    mkdirSync(join(workspace.cwd, '.git/hooks'), { recursive: true });
    // The work is there before the trap, so that the agent's own git does not step into it.
    agent(workspace, 'echo b > b.txt; git add b.txt; git commit -qm "Add b"; echo c > c.txt');
    agent(workspace, plant());
    rmSync(ran(), { force: true });
    const commit = await committed(workspace);
    expect(show(workspace, 'show', `${commit}:b.txt`, `${commit}:c.txt`)).toBe('b\nc');
    expect(existsSync(ran())).toBe(false);
  });

  test('a submodule with a configuration of its own', async () => {
    const checkout = join(folder.path, 'checkout');
    person(checkout, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'sub');
    person(checkout, 'commit', '--quiet', '-m', 'submodule');
    person(checkout, 'push', '--quiet', 'origin', 'main');
    const workspace = await open();
    agent(
      workspace,
      `git clone -q ${origin} sub; echo b > b.txt; git -C sub config core.fsmonitor ${trap()}; echo x >> sub/a.txt`,
    );
    rmSync(ran(), { force: true });
    const commit = await committed(workspace);
    expect(existsSync(ran())).toBe(false);
    expect(show(workspace, 'show', '--format=', '--name-only', commit)).toBe('b.txt');
  });

  test('objects that are not what their name says', async () => {
    const workspace = await open();
    agent(
      workspace,
      `echo b > b.txt; git add .; git commit -qm b
      f=.git/objects/$(git rev-parse HEAD:b.txt | sed 's,^..,&/,'); chmod u+w $f
      printf 'blob 2\\0x\\n' | python3 -c 'import sys,zlib;sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))' > $f`,
    );
    await expect(snapshot(workspace)).rejects.toMatchObject({ name: 'GitError' });
  });

  test('links in place of .git and its files', async () => {
    const workspace = await open();
    agent(workspace, `echo b > b.txt; mv .git ../moved; ln -s ../moved .git`);
    const commit = await committed(workspace);
    expect(show(workspace, 'show', '--format=', '--name-only', commit)).toBe('b.txt');
  });
});

test('what cannot be written is removed all the same', async () => {
  const workspace = await open();
  agent(workspace, 'mkdir -p x/y; echo > x/y/z; chmod -R a-w x');
  await workspace.close(true);
  expect(readdirSync(join(home, 'work'))).toEqual([]);
});

describe('what an agent puts in the way of the peer', () => {
  test('a repository where the peer makes its own: its configuration is not heeded', async () => {
    const workspace = await open();
    const ran = join(folder.path, 'ran');
    agent(
      workspace,
      `git init --quiet --bare ../publish.git
       git -C ../publish.git config filter.x.clean "touch ${ran}; cat"
       mkdir ../scratch
       echo '* filter=x' > .gitattributes
       echo b > b.txt`,
    );
    await committed(workspace);
    expect(existsSync(ran)).toBe(false);
  });

  test('a pipe instead of HEAD: nobody waits for it', async () => {
    const workspace = await open();
    agent(workspace, 'echo b > b.txt; rm .git/HEAD; mkfifo .git/HEAD');
    const commit = await committed(workspace);
    expect(show(workspace, 'ls-tree', '--name-only', commit)).toContain('b.txt');
  });
});
