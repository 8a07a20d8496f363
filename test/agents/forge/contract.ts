import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Forge } from '../../../src/agents/forge/forge.ts';
import { git as runGit } from '../../../src/agents/git.ts';
import { branchesOf, git, makeBareRepository } from '../../support/repository.ts';
import { Publisher, taskOf } from './commits.ts';

const branch = 'peer/issue-7';
const task = taskOf('a');

/** What every forge must do, whatever it is made of. `open` gets a bare repository with one commit on `main`. */
export function forgeContract(
  name: string,
  open: (bare: string) => Promise<{ readonly forge: Forge; close(): Promise<void> }>,
): void {
  describe(`${name} keeps the contract of forges`, () => {
    let folder = '';
    let bare = '';
    let publisher: Publisher;
    let forge: Forge;
    let close = async (): Promise<void> => {};

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'forge-'));
      bare = makeBareRepository(join(folder, 'origin.git'), { 'a.txt': 'a\n' });
      publisher = new Publisher(bare, folder);
      const opened = await open(bare);
      forge = opened.forge;
      close = () => opened.close();
    });
    afterEach(async () => {
      await close();
      rmSync(folder, { recursive: true });
    });

    const push = (commit: ReturnType<Publisher['commit']>, expectedTip: typeof commit | null) =>
      forge.push({ gitDir: publisher.gitDir, commit, branch, expectedTip });

    test('a branch that is not there has no tip, though another ends like it', async () => {
      git(bare, 'branch', `other/refs/heads/${branch}`, 'main');
      git(bare, 'branch', `other/${branch}`, 'main');
      expect(await forge.tip(branch)).toBeNull();
    });

    test('the tip of ours tells its task and attempt', async () => {
      const commit = publisher.ours(task, 12);
      expect(await push(commit, null)).toEqual({ type: 'pushed' });
      expect(await forge.tip(branch)).toEqual({ commit, task, attempt: 12, verified: null });
    });

    test.each([
      ['passed', true],
      ['failed', false],
      ['is nothing that we say', null],
    ])('the tip of ours tells that its verification %s', async (word, verified) => {
      const commit = publisher.commit(`Mesh-Task: ${task}`, 'Mesh-Attempt: 1', `Mesh-Verify: ${word}`);
      await push(commit, null);
      expect(await forge.tip(branch)).toMatchObject({ task, verified });
    });

    test.each([
      ['without trailers', []],
      ['with trailers that are not ours', ['Mesh-Task: of somebody', 'Mesh-Attempt: first']],
      ['with an attempt below 1', ['Mesh-Task: x', 'Mesh-Attempt: 0']],
    ])('a tip %s is nobody’s', async (_, trailers) => {
      const commit = publisher.commit(...trailers);
      await push(commit, null);
      expect(await forge.tip(branch)).toEqual({ commit, task: null, attempt: null, verified: null });
    });

    test('trailers in the middle of a message are words', async () => {
      const commit = publisher.commit(`Mesh-Task: ${task}`, 'Mesh-Attempt: 1', '', 'And more words.');
      await push(commit, null);
      expect(await forge.tip(branch)).toEqual({ commit, task: null, attempt: null, verified: null });
    });

    test('a push replaces what was expected', async () => {
      const [first, second] = [publisher.ours(task, 1), publisher.ours(task, 2)];
      await push(first, null);
      expect(await push(second, first)).toEqual({ type: 'pushed' });
      expect(branchesOf(bare)[branch]).toBe(second);
    });

    test('a push onto a branch that was to be new has lost, and overwrites nothing', async () => {
      const theirs = publisher.commit();
      await push(theirs, null);
      expect(await push(publisher.ours(task, 1), null)).toEqual({ type: 'moved' });
      expect(branchesOf(bare)[branch]).toBe(theirs);
    });

    test('a push onto a branch that has moved has lost, and overwrites nothing', async () => {
      const [first, second, third] = [1, 2, 3].map((attempt) => publisher.ours(task, attempt));
      if (first === undefined || second === undefined || third === undefined) throw new Error('three commits');
      await push(first, null);
      await push(second, first);
      expect(await push(third, first)).toEqual({ type: 'moved' });
      expect(branchesOf(bare)[branch]).toBe(second);
    });

    test('a push onto a branch that was removed has lost', async () => {
      const first = publisher.ours(task, 1);
      await push(first, null);
      git(bare, 'branch', '-D', branch);
      expect(await push(publisher.ours(task, 2), first)).toEqual({ type: 'moved' });
      expect(branchesOf(bare)[branch]).toBeUndefined();
    });

    test('a push done twice is done', async () => {
      const commit = publisher.ours(task, 1);
      await push(commit, null);
      expect(await push(commit, null)).toEqual({ type: 'pushed' });
    });

    test('a push that the server refuses has not lost, it has failed', async () => {
      git(bare, 'config', 'receive.maxInputSize', '1');
      await expect(push(publisher.ours(task, 1), null)).rejects.toMatchObject({ name: 'GitError', code: 'failed' });
    });

    test('four pushes of one commit at once are all done', async () => {
      const commit = publisher.ours(task, 1);
      const results = await Promise.all([1, 2, 3, 4].map(() => push(commit, null)));
      expect(results.map(({ type }) => type)).toEqual(['pushed', 'pushed', 'pushed', 'pushed']);
    });

    test('of four pushes at once exactly one wins', async () => {
      const commits = [1, 2, 3, 4].map((attempt) => publisher.ours(task, attempt));
      const results = await Promise.all(commits.map((commit) => push(commit, null)));
      expect(results.map(({ type }) => type).sort()).toEqual(['moved', 'moved', 'moved', 'pushed']);
      const winner = commits[results.findIndex(({ type }) => type === 'pushed')];
      expect(branchesOf(bare)[branch]).toBe(winner);
    });

    test('of four pushes at once over the same tip exactly one wins', async () => {
      const first = publisher.ours(task, 1);
      await push(first, null);
      const commits = [2, 3, 4, 5].map((attempt) => publisher.ours(task, attempt));
      const results = await Promise.all(commits.map((commit) => push(commit, first)));
      expect(results.map(({ type }) => type).sort()).toEqual(['moved', 'moved', 'moved', 'pushed']);
    });

    test('the remote can be cloned with what it gives', async () => {
      const remote = forge.remote();
      expect(remote.url).not.toContain('@');
      const { stdout } = await runGit(['ls-remote', '--', remote.url, 'refs/heads/main'], { remote });
      expect(stdout).toContain(branchesOf(bare).main);
    });
  });
}
