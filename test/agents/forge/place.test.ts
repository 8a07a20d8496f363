import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkPlace, type Place } from '../../../src/agents/forge/place.ts';
import type { HostId } from '../../../src/protocol/ids.ts';
import type { Repository } from '../../../src/protocol/record.ts';
import { listenLocally, startGitServer } from '../../support/git-server.ts';
import { git, makeBareRepository } from '../../support/repository.ts';
import { name, Setup } from './github-setup.ts';

const files = { 'a.txt': 'a\n', 'packages/web/index.html': '<p>\n' };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function repository(): string {
  const bare = makeBareRepository(join(folder, 'r.git'), files);
  git(bare, 'branch', 'next/one', 'main');
  return bare;
}

const there = { type: 'there' };
const hidden = (reason: RegExp) => ({ type: 'hidden', reason: expect.stringMatching(reason) });
const unasked = (reason: RegExp) => ({ type: 'unasked', reason: expect.stringMatching(reason) });
const missing = (message: RegExp) => ({ code: 'not-there', message: expect.stringMatching(message) });
const at = (where: Repository, base: string | null = null, path: string | null = null): Place => ({
  repository: where,
  base,
  path,
});

describe('on GitHub', () => {
  const widgets = { type: 'github', ...name } as const;
  const start = () => Setup.start({ gitDir: repository() });

  test.each([
    [null, null],
    ['next/one', null],
    [null, 'packages/web'],
    ['next/one', 'packages'],
  ])('the branch %s and the folder %s are found', async (base, path) => {
    await using setup = await start();
    expect(await checkPlace(setup.env(), at(widgets, base, path))).toEqual(there);
  });

  test.each([
    ['next', null, /^Acme\/Widgets has no branch next: check --base$/],
    [null, 'packages/app', /^Acme\/Widgets has no folder packages\/app: check --path$/],
    [null, 'a.txt', /has no folder a\.txt/],
    ['next', 'packages', /has no branch next/],
  ])('the branch %s and the folder %s are not', async (base, path, message) => {
    await using setup = await start();
    await expect(checkPlace(setup.env(), at(widgets, base, path))).rejects.toMatchObject(missing(message));
  });

  test('a repository that the token does not see is hidden; without one nobody can tell', async () => {
    await using setup = await start();
    const nowhere = at({ type: 'github', owner: 'acme', name: 'nothing' });
    expect(await checkPlace(setup.env(), nowhere)).toEqual(hidden(/GitHub shows no acme\/nothing \(404\)/));
    expect(await checkPlace(setup.env(null), nowhere)).toEqual(unasked(/set GITHUB_TOKEN if it is private$/));
  });

  test('what GitHub does not say is not held against it, and asked for once', async () => {
    await using setup = await start();
    setup.github.plan('repos/get', { type: 'answer', status: 503 });
    expect(await checkPlace(setup.env(), at(widgets, 'next'))).toEqual(unasked(/^GitHub failed \(503\)/));
    expect(setup.github.requests).toHaveLength(1);
    expect(await checkPlace(setup.env('wrong'), at(widgets))).toEqual(unasked(/refused the token/));
    expect(await checkPlace({ GITHUB_API_URL: 'http://127.0.0.1:1' }, at(widgets))).toEqual(
      unasked(/cannot be reached/),
    );
  });
});

describe('a path', () => {
  const here = (): Repository => ({ type: 'path', path: repository(), host: 'here' as HostId });

  test.each([
    [null, null],
    ['next/one', 'packages/web'],
    [null, 'packages'],
  ])('with the branch %s and the folder %s', async (base, path) => {
    expect(await checkPlace({}, at(here(), base, path))).toEqual(there);
  });

  test.each([
    ['one', null, /r\.git has no branch one: check --base$/],
    [null, 'web', /r\.git has no folder web: check --path$/],
    ['next/one', 'a.txt', /has no folder a\.txt/],
  ])('without the branch %s or the folder %s', async (base, path, message) => {
    await expect(checkPlace({}, at(here(), base, path))).rejects.toMatchObject(missing(message));
  });

  test('to a repository without a commit', async () => {
    git(folder, 'init', '--quiet', '--bare', 'empty.git');
    const empty: Repository = { type: 'path', path: join(folder, 'empty.git'), host: 'here' as HostId };
    await expect(checkPlace({}, at(empty))).rejects.toMatchObject(missing(/empty: push a first commit to it/));
  });
});

describe('a git server', () => {
  test('is asked for the repository and the branch; a folder is left to the attempt', async () => {
    repository();
    await using server = await startGitServer({ root: folder });
    const url = `${server.origin}/r.git`;
    expect(await checkPlace({}, at({ type: 'git', url }, 'next/one', 'nowhere'))).toEqual(there);
    const wrongBase = checkPlace({}, at({ type: 'git', url }, 'one'));
    await expect(wrongBase).rejects.toMatchObject(missing(/r\.git has no branch one/));
    const wrongUrl = checkPlace({}, at({ type: 'git', url: `${server.origin}/s.git` }));
    expect(await wrongUrl).toEqual(hidden(/^http.*s\.git shows no repository: check --repo$/));
  });

  test('that cannot be reached is no reason to submit nothing', async () => {
    expect(await checkPlace({}, at({ type: 'git', url: 'http://127.0.0.1:1/r.git' }))).toEqual(
      unasked(/^git ls-remote: /),
    );
  });
});

describe('one deadline is for all of it, and what is late is no reason to submit nothing', () => {
  test('where GitHub is slow to answer each question', async () => {
    const facts = { name: 'widgets', owner: { login: 'acme' }, default_branch: 'main' };
    await using server = await listenLocally(async (request, response) => {
      await delay(200);
      const answer = request.url?.includes('/git/') ? {} : request.url?.includes('/contents/') ? [] : facts;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
    const place = at({ type: 'github', owner: 'acme', name: 'widgets' }, 'next', 'packages');
    const env = { GITHUB_API_URL: server.origin };
    expect(await checkPlace(env, place)).toEqual(there);
    expect(await checkPlace(env, place, 300)).toEqual(unasked(/^GitHub did not answer in 0\.3 s$/));
  });

  test('where a git server is silent', async () => {
    await using server = await listenLocally(async () => {});
    const url = `${server.origin}/r.git`;
    expect(await checkPlace({}, at({ type: 'git', url }), 200)).toEqual(
      unasked(/^http.*r\.git did not answer in 0\.2 s$/),
    );
  });
});
