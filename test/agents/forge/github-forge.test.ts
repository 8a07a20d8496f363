import { describe, expect, test, vi } from 'vitest';
import { GitHub } from '../../../src/agents/forge/github.ts';
import { GitHubForge } from '../../../src/agents/forge/github-forge.ts';
import { gitHubSettings } from '../../../src/agents/forge/settings.ts';
import { startFakeGitHub } from '../../support/fake-github/server.ts';
import { branchesOf, git } from '../../support/repository.ts';
import { taskOf } from './commits.ts';
import { forgeContract } from './contract.ts';
import { branch, name, Setup } from './github-setup.ts';

const task = taskOf('a');

forgeContract('GitHub', async (gitDir) => {
  const github = await startFakeGitHub({ repositories: [{ ...name, gitDir }], tokens: ['good-token'] });
  const { apiUrl, serverUrl } = github;
  const env = { GITHUB_API_URL: apiUrl, GITHUB_SERVER_URL: serverUrl, GITHUB_TOKEN: 'good-token' };
  return { forge: new GitHubForge(new GitHub(gitHubSettings(env)), name), close: () => github.close() };
});

describe('a pull request', () => {
  test('is opened on the default branch', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const result = await setup.forge().openPullRequest(draft);
    const url = `${setup.github.serverUrl}/Acme/Widgets/pull/1`;
    expect(result).toEqual({ branch, commit: draft.commit, pullRequest: { number: 1, url, state: 'open' } });
    expect(setup.github.pulls()).toMatchObject([
      { title: 'Mend it', body: 'Closes #7.', head: branch, base: 'main', commit: draft.commit, state: 'open' },
    ]);
  });

  test('is opened on the base that was asked for', async () => {
    await using setup = await Setup.start();
    git(setup.bare, 'branch', 'next', 'main');
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    await setup.forge().openPullRequest({ ...draft, base: 'next' });
    expect(setup.github.pulls()).toMatchObject([{ base: 'next' }]);
  });

  test('that is not ready is a draft', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const result = await setup.forge().openPullRequest({ ...draft, draft: true });
    expect(result).toMatchObject({ pullRequest: { number: 1, state: 'open' } });
    expect(setup.github.pulls()).toMatchObject([{ draft: true }]);
    expect(setup.github.violations()).toEqual([]);
  });

  test('that is not ready is an ordinary one where the repository has no drafts', async () => {
    await using setup = await Setup.start({ hasDrafts: false });
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const result = await setup.forge().openPullRequest({ ...draft, draft: true });
    expect(result).toMatchObject({ pullRequest: { number: 1, state: 'open' } });
    expect(setup.github.pulls()).toMatchObject([{ draft: false, body: draft.body }]);
    expect(setup.github.pulls()).toHaveLength(1);
  });

  test('that is open already is adopted, whoever opened it and on whatever base', async () => {
    await using setup = await Setup.start();
    git(setup.bare, 'branch', 'next', 'main');
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const number = setup.github.openPull({ title: 'By hand', head: branch, base: 'next' });
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number, state: 'open' } });
    expect(setup.github.pulls().length).toBe(1);
  });

  test('that is open goes before one that was closed', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const open = setup.github.openPull({ title: 'First', head: branch, base: 'main' });
    setup.github.closePull(setup.github.openPull({ title: 'Second', head: branch, base: 'main' }));
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number: open, state: 'open' } });
  });

  test.each(['closed', 'merged'] as const)(
    'that was %s stays so, and a branch pushed after it is removed',
    async (state) => {
      await using setup = await Setup.start();
      const first = await setup.pushed(setup.publisher.ours(task, 1));
      await setup.forge().openPullRequest(first);
      if (state === 'closed') setup.github.closePull(1);
      else setup.github.mergePull(1);
      setup.github.removeBranch(branch);
      const late = await setup.pushed(setup.publisher.ours(task, 2));
      const result = await setup.forge().openPullRequest(late);
      expect(result).toMatchObject({ commit: first.commit, pullRequest: { number: 1, state } });
      expect(branchesOf(setup.bare)[branch]).toBeUndefined();
      expect(setup.github.pulls().length).toBe(1);
    },
  );

  test('that was closed keeps its own branch', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    await setup.forge().openPullRequest(draft);
    setup.github.closePull(1);
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number: 1, state: 'closed' } });
    expect(branchesOf(setup.bare)[branch]).toBe(draft.commit);
  });

  test('that has ended costs nobody else’s commit', async () => {
    await using setup = await Setup.start();
    const first = await setup.pushed(setup.publisher.ours(task, 1));
    await setup.forge().openPullRequest(first);
    setup.github.closePull(1);
    const late = await setup.pushed(setup.publisher.ours(task, 2), first.commit);
    const theirs = setup.publisher.commit();
    await setup.pushed(theirs, late.commit);
    expect(await setup.forge().openPullRequest(late)).toMatchObject({ pullRequest: { state: 'closed' } });
    expect(branchesOf(setup.bare)[branch]).toBe(theirs);
  });

  test('that somebody opened between the look and the opening is adopted', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const run = (): void => void setup.github.openPull({ title: 'A rival', head: branch, base: 'main' });
    setup.github.plan('pulls/create', { type: 'first', run });
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number: 1, state: 'open' } });
    expect(setup.github.pulls()).toMatchObject([{ title: 'A rival' }]);
  });

  test('is not opened on a look from before the machine slept', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    vi.spyOn(Date, 'now').mockReturnValueOnce(Date.now() - 300_000);
    await expect(setup.forge().openPullRequest(draft)).rejects.toMatchObject({ code: 'network' });
    expect(setup.github.pulls()).toEqual([]);
  });

  test('is one, though four open it at once', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const results = await Promise.all([1, 2, 3, 4].map(() => setup.forge().openPullRequest(draft)));
    expect(results.map(({ pullRequest }) => pullRequest?.number)).toEqual([1, 1, 1, 1]);
    expect(setup.github.pulls().length).toBe(1);
  });

  test('whose answer was lost is adopted the next time', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    setup.github.plan('pulls/create', { type: 'lost-answer' });
    await expect(setup.forge().openPullRequest(draft)).rejects.toMatchObject({ code: 'network' });
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number: 1 } });
    expect(setup.github.pulls().length).toBe(1);
  });

  test('is found on the third page of many', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const merged = setup.github.openPull({ title: 'Long ago', head: branch, base: 'main' });
    setup.github.mergePull(merged);
    for (let i = 0; i < 210; i += 1) {
      setup.github.closePull(setup.github.openPull({ title: `${i}`, head: branch, base: 'main' }));
    }
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({
      pullRequest: { number: merged, state: 'merged' },
    });
  });

  test('from a branch with a longer name is another', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    git(setup.bare, 'branch', `${branch}-2`, draft.commit);
    setup.github.openPull({ title: 'Round 2', head: `${branch}-2`, base: 'main' });
    expect(await setup.forge().openPullRequest(draft)).toMatchObject({ pullRequest: { number: 2 } });
  });

  test('is found by whatever case the name is written in', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    setup.github.closePull(setup.github.openPull({ title: 'Before', head: branch, base: 'main' }));
    const forge = setup.forge('good-token', { owner: 'acme', name: 'WIDGETS' });
    expect(await forge.openPullRequest(draft)).toMatchObject({ pullRequest: { number: 1, state: 'closed' } });
  });
});

describe('a refusal is told in one line with its mend', () => {
  test('a branch that is not there', async () => {
    await using setup = await Setup.start();
    const draft = {
      branch,
      base: null,
      title: 'Mend it',
      body: '',
      draft: false,
      commit: setup.publisher.ours(task, 1),
    };
    const opening = setup.forge().openPullRequest(draft);
    await expect(opening).rejects.toMatchObject({ name: 'ForgeError', code: 'invalid', status: 422 });
    await expect(opening).rejects.toThrow(/^GitHub refused the request about Acme\/Widgets \(422\): .*head/);
  });

  test('a base that is not there', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const opening = setup.forge().openPullRequest({ ...draft, base: 'nowhere' });
    await expect(opening).rejects.toThrow(/\(422\): .*base/);
  });

  test('a token that is none', async () => {
    await using setup = await Setup.start();
    const draft = await setup.pushed(setup.publisher.ours(task, 1));
    const forge = setup.forge('bad-token');
    const message = 'GitHub refused the token (401): set GITHUB_TOKEN to a valid one';
    await expect(forge.openPullRequest(draft)).rejects.toMatchObject({ code: 'unauthorized', message });
    await expect(forge.tip(branch)).rejects.toMatchObject({ name: 'ForgeError', code: 'unauthorized' });
  });

  test('no token', async () => {
    await using setup = await Setup.start();
    const commit = setup.publisher.ours(task, 1);
    const forge = setup.forge(null);
    expect(await forge.tip(branch)).toBeNull();
    const pushing = forge.push({ gitDir: setup.publisher.gitDir, commit, branch, expectedTip: null });
    await expect(pushing).rejects.toMatchObject({ code: 'unauthorized', mend: 'set GITHUB_TOKEN' });
  });

  test('a token that may not write', async () => {
    await using setup = await Setup.start();
    const forge = setup.forge('reader-token');
    const commit = setup.publisher.ours(task, 1);
    const pushing = forge.push({ gitDir: setup.publisher.gitDir, commit, branch, expectedTip: null });
    await expect(pushing).rejects.toMatchObject({ name: 'ForgeError', code: 'forbidden' });
    const opening = forge.openPullRequest(await setup.pushed(commit));
    await expect(opening).rejects.toMatchObject({ code: 'forbidden', status: 403 });
    await expect(opening).rejects.toThrow(/: give the token the rights to write contents and pull requests$/);
  });

  test('a repository that is not there', async () => {
    await using setup = await Setup.start();
    const forge = setup.forge('good-token', { owner: 'acme', name: 'nothing' });
    const draft = { branch, base: null, title: 'x', body: '', draft: false, commit: setup.publisher.ours(task, 1) };
    await expect(forge.openPullRequest(draft)).rejects.toMatchObject({ code: 'not-found' });
    await expect(forge.tip(branch)).rejects.toMatchObject({ name: 'ForgeError', code: 'not-found' });
  });

  test('the token shows in none of them', async () => {
    await using setup = await Setup.start();
    const errors = await Promise.all(
      [setup.forge('bad-token').tip(branch), setup.api('bad-token').login()].map((asked) => asked.catch(String)),
    );
    for (const error of errors) expect(error).not.toContain('bad-token');
  });
});
