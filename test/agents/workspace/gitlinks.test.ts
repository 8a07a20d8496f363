import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { makeRepository, person, personPushes, useFolder } from '../support.ts';
import { requestFor, runAgent, show, signal, workspacesIn } from './support.ts';

const folder = useFolder();
let workspace: Workspace;
let pinned = '';

beforeEach(async () => {
  const origin = makeRepository(folder.path);
  const checkout = join(folder.path, 'checkout');
  pinned = person(checkout, 'rev-parse', 'HEAD');
  person(checkout, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'sub');
  personPushes(folder.path);
  workspace = await workspacesIn(join(folder.path, 'home')).open(requestFor(origin));
  agent(`git clone -q ${origin} sub; git -C sub checkout -q ${pinned}`);
});

const agent = (script: string): string => runAgent(workspace.clone, script);
const commitInside = (path: string): string =>
  `echo x > ${path}/x; git -C ${path} add x; git -C ${path} -c user.name=x -c user.email=x commit -qm x;`;
const published = async (): Promise<string> => {
  const commit = await workspace.snapshot(signal);
  return show(workspace, 'ls-tree', '--format=%(objectname) %(path)', commit ?? 'none');
};

describe('a submodule is published as it was', () => {
  const all = 'git add -A; git commit -qm all';
  test.each([
    ['committed', `${all}; echo c > c.txt`],
    ['committed last', all],
    ['staged', 'git add -A'],
    ['taken out of the index, and committed there', `git rm -q --cached sub; git commit -qm out; ${all} 2>/dev/null`],
    ['taken out of the index, with its folder left', 'git rm -q --cached sub; git commit -qm out'],
  ])('though another commit of it was %s', async (_, script) => {
    agent(`${commitInside('sub')} echo b > b.txt; ${script}`);
    const files = await published();
    expect(files).toContain(`${pinned} sub`);
    expect(files).toContain(' b.txt');
  });

  test('so another commit of it alone is nothing', async () => {
    agent(`${commitInside('sub')} ${all}`);
    expect(await workspace.snapshot(signal)).toBeNull();
    expect(await workspace.close(false)).toBeNull();
  });

  test('unless the agent has removed it', async () => {
    agent('rm -rf sub; git rm -q --cached sub; git commit -qm out');
    expect(await published()).not.toContain(' sub');
  });
});

test.each([
  ['committed', 'git add -A 2>/dev/null; git commit -qm all'],
  ['committed, its folder gone', 'git add -A 2>/dev/null; git commit -qm all; rm -rf nested'],
  ['left', 'true'],
])('a repository of the agent’s own that was %s is refused: nobody could fetch it', async (_, script) => {
  agent(`git init -q nested; ${commitInside('nested')} ${script}`);
  const message = 'the agent left a git repository of its own in `nested`';
  await expect(workspace.snapshot(signal)).rejects.toMatchObject({ code: 'bad-result', message });
});
