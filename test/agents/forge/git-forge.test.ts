import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { GitForge } from '../../../src/agents/forge/git-forge.ts';
import { startGitServer } from '../../support/git-server.ts';
import { makeBareRepository } from '../../support/repository.ts';
import { taskOf } from './commits.ts';
import { forgeContract } from './contract.ts';

forgeContract('a repository on this PC', async (bare) => ({ forge: new GitForge(bare), close: async () => {} }));

forgeContract('a git server', async (bare) => {
  const server = await startGitServer({ root: dirname(bare) });
  return { forge: new GitForge(`${server.origin}/origin.git`), close: server.close };
});

test('a plain remote opens no pull request', async () => {
  const forge = new GitForge('/nowhere');
  const commit = taskOf('b') as string as Parameters<GitForge['openPullRequest']>[0]['commit'];
  expect(forge.opensPullRequests).toBe(false);
  const draft = { branch: 'peer/issue-7', base: null, title: 'x', body: 'x', draft: false, commit };
  expect(await forge.openPullRequest(draft)).toEqual({ branch: 'peer/issue-7', commit, pullRequest: null });
});

test.each([
  ['a folder that is not there', '/nowhere/at-all.git', 'not-found'],
  ['a server that does not answer', 'http://127.0.0.1:9/x.git', 'network'],
])('%s is told as what it is', async (_, url, code) => {
  await expect(new GitForge(url).tip('main')).rejects.toMatchObject({ name: 'GitError', code });
});

test('what it needs for a while is in the folder that is for that', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scratch-'));
  const scratch = join(folder, 'tmp');
  const bare = makeBareRepository(join(folder, 'origin.git'), { 'a.txt': 'a\n' });
  expect(await new GitForge(bare, scratch).tip('main')).toMatchObject({ task: null });
  expect(readdirSync(scratch)).toEqual([]);
  rmSync(folder, { recursive: true });
});
