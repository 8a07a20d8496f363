import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { person, personPushes } from '../support.ts';
import { agent, committed, show, signal, useWorkspaces } from './support.ts';

const at = useWorkspaces();

describe('a hostile clone runs nothing in the peer’s name', () => {
  const ran = (): string => join(at.folder, 'ran');
  const trap = (): string => {
    const path = join(at.folder, 'trap.sh');
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
    ['a hooks path', () => `git config core.hooksPath ${at.folder}; cp ${trap()} ${at.folder}/pre-commit`],
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
      git config remote.x.url ${at.folder}/origin.git; git config remote.x.uploadpack ${trap()}`,
    ],
    ['rewritten URLs', () => `git config url."ext::${trap()} ".insteadOf /; git config protocol.ext.allow always`],
    ['a pack hook', () => `git config uploadpack.packObjectsHook ${trap()}`],
    [
      'an external diff',
      () => `git config diff.external ${trap()}; git config core.pager ${trap()}; git config pager.log ${trap()}`,
    ],
    ['an include', () => `printf '[core]\\n fsmonitor = ${trap()}\\n' > inc; git config include.path ../inc`],
  ])('%s', async (_, plant) => {
    const workspace = await at.open();
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
    const checkout = join(at.folder, 'checkout');
    person(checkout, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', at.origin, 'sub');
    personPushes(at.folder);
    const workspace = await at.open();
    agent(
      workspace,
      `git clone -q ${at.origin} sub; echo b > b.txt; git -C sub config core.fsmonitor ${trap()}; echo x >> sub/a.txt`,
    );
    rmSync(ran(), { force: true });
    const commit = await committed(workspace);
    expect(existsSync(ran())).toBe(false);
    expect(show(workspace, 'show', '--format=', '--name-only', commit)).toBe('b.txt');
  });

  test('objects that are not what their name says', async () => {
    const workspace = await at.open();
    agent(
      workspace,
      `echo b > b.txt; git add .; git commit -qm b
      f=.git/objects/$(git rev-parse HEAD:b.txt | sed 's,^..,&/,'); chmod u+w $f
      printf 'blob 2\\0x\\n' | python3 -c 'import sys,zlib;sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))' > $f`,
    );
    await expect(workspace.snapshot(signal)).rejects.toMatchObject({ name: 'GitError' });
  });

  test('links in place of .git and its files', async () => {
    const workspace = await at.open();
    agent(workspace, `echo b > b.txt; mv .git ../moved; ln -s ../moved .git`);
    const commit = await committed(workspace);
    expect(show(workspace, 'show', '--format=', '--name-only', commit)).toBe('b.txt');
  });
});

describe('what an agent puts in the way of the peer', () => {
  test('a repository where the peer makes its own: its configuration is not heeded', async () => {
    const workspace = await at.open();
    const ran = join(at.folder, 'ran');
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
    const workspace = await at.open();
    agent(workspace, 'echo b > b.txt; rm .git/HEAD; mkfifo .git/HEAD');
    const commit = await committed(workspace);
    expect(show(workspace, 'ls-tree', '--name-only', commit)).toContain('b.txt');
  });
});
