import { describe, expect, test } from 'vitest';
import { taskFor } from '../support.ts';
import { agent, committed, show, signal, useWorkspaces } from './support.ts';

const at = useWorkspaces();

describe('a snapshot', () => {
  test('of changed, new, removed and ignored files is one commit on the base', async () => {
    const workspace = await at.open();
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
    const message = `Add a file\n\nMesh-Task: ${taskFor(at.origin).id}\nMesh-Attempt: 1`;
    expect(show(workspace, 'log', '-1', '--format=%an <%ae>%n%B', commit)).toBe(
      `issue-mesh <issue-mesh@localhost>\n${message}`,
    );
  });

  test('keeps the agent’s commits, with the trailers on a last one for what it left', async () => {
    const workspace = await at.open();
    agent(workspace, 'echo b > b.txt; git add .; git commit -qm "Add b"; echo c > c.txt');
    const commit = await committed(workspace);
    expect(show(workspace, 'log', '--format=%s', `${workspace.base.commit}..${commit}`)).toBe('Add a file\nAdd b');
    expect(show(workspace, 'show', `${commit}:b.txt`, `${commit}:c.txt`)).toBe('b\nc');
  });

  test('puts the trailers on the agent’s own last commit, and drops those it has made up', async () => {
    const workspace = await at.open();
    const script = `git -c user.name=Agent commit -qm "Add b" -m "Because.
---
mesh-task: ${'0'.repeat(64)}
Signed-off-by: x"`;
    agent(workspace, `echo b > b.txt; git add .; ${script}`);
    const commit = await committed(workspace);
    expect(show(workspace, 'log', '-1', '--format=%an/%cn/%s', commit)).toBe('Agent/issue-mesh/Add b');
    expect(show(workspace, 'log', '-1', '--format=%(trailers:key=Mesh-Task,valueonly)', commit)).toBe(
      taskFor(at.origin).id,
    );
    expect(show(workspace, 'rev-parse', `${commit}^`)).toBe(workspace.base.commit);
    expect(show(workspace, 'log', '-1', '--format=%B', commit)).toContain('Because.');
  });

  test('finds a commit on a branch of the agent’s own, packed as well', async () => {
    const workspace = await at.open();
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
    const workspace = await at.open();
    agent(workspace, script);
    expect(await workspace.snapshot(signal)).toBeNull();
  });

  test.each([
    ['a history of its own', 'git checkout -q --orphan o; git commit -qm o', /without the commit it started from/],
    ['a repository inside', 'git init -q sub; cd sub; git commit -q --allow-empty -m x', /of its own in `sub`/],
  ])('refuses %s', async (_, script, reason) => {
    const workspace = await at.open();
    agent(workspace, script);
    await expect(workspace.snapshot(signal)).rejects.toMatchObject({
      code: 'bad-result',
      message: expect.stringMatching(reason),
    });
  });

  test('takes the files alone where the clone’s .git is gone', async () => {
    const workspace = await at.open();
    agent(workspace, 'echo b > b.txt; rm -rf .git');
    const commit = await committed(workspace);
    expect(show(workspace, 'rev-parse', `${commit}^`)).toBe(workspace.base.commit);
  });
});
