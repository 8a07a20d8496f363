import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { branchesOf, git, makeBareRepository } from '../repository.ts';
import { Description } from './description.ts';
import { type FakeGitHub, startFakeGitHub } from './server.ts';

let template = '';
let folder = '';
let bare = '';
let github: FakeGitHub;

beforeAll(() => {
  template = mkdtempSync(join(tmpdir(), 'fake-template-'));
  const made = makeBareRepository(join(template, 'x.git'), { 'a.txt': 'a\n', 'src/deep/b.txt': 'b\n' });
  git(made, 'branch', 'work', git(made, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'Work'));
});
afterAll(() => rmSync(template, { recursive: true }));

const issues = [
  { number: 1, title: 'One', labels: ['bug'], comments: ['Yes.'] },
  { number: 2, title: 'Two', state: 'closed' },
] as const;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fake-'));
  bare = join(folder, 'x.git');
  cpSync(join(template, 'x.git'), bare, { recursive: true });
  const reader = { token: 'reader', login: 'ada', rights: 'read' } as const;
  github = await startFakeGitHub({
    repositories: [
      { owner: 'acme', name: 'x', gitDir: bare, issues },
      { owner: 'acme', name: 'private', gitDir: bare, isPrivate: true },
    ],
    tokens: ['writer', reader],
  });
});
afterEach(async () => {
  await github.close().catch(() => {});
  rmSync(folder, { recursive: true });
});

async function ask(path: string, options: { token?: string | null; method?: string; body?: unknown } = {}) {
  const { token = 'writer', method = 'GET', body } = options;
  const response = await fetch(`${github.apiUrl}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

const pull = { head: 'work', base: 'main', title: 'Mend it', body: 'Closes #1.' };
const create = (changes: object = {}) => ask('/repos/acme/x/pulls', { method: 'POST', body: { ...pull, ...changes } });

describe('every operation answers as GitHub describes it', () => {
  test.each([
    ['GET', '/user', undefined, 200],
    ['GET', '/repos/acme/x', undefined, 200],
    ['GET', '/repos/ACME/X', undefined, 200],
    ['GET', '/repos/acme/nothing', undefined, 404],
    ['GET', '/repos/acme/x/issues/1', undefined, 200],
    ['GET', '/repos/acme/x/issues/9', undefined, 404],
    ['GET', '/repos/acme/x/issues?state=all&labels=bug', undefined, 200],
    ['GET', '/repos/acme/x/issues/1/comments', undefined, 200],
    ['POST', '/repos/acme/x/issues/1/comments', { body: 'Done.' }, 201],
    ['POST', '/repos/acme/x/issues/1/labels', { labels: ['backend'] }, 200],
    ['GET', '/repos/acme/x/pulls?state=all&head=acme:work', undefined, 200],
    ['POST', '/repos/acme/x/pulls', pull, 201],
    ['GET', '/repos/acme/x/pulls/9', undefined, 404],
    ['GET', '/repos/acme/x/git/ref/heads%2Fwork', undefined, 200],
    ['GET', '/repos/acme/x/git/ref/heads%2Fnothing', undefined, 404],
    ['GET', `/repos/acme/x/git/commits/${'0'.repeat(40)}`, undefined, 404],
    ['GET', '/repos/acme/x/contents/a.txt?ref=work', undefined, 200],
    ['GET', '/repos/acme/x/contents/src', undefined, 200],
    ['GET', '/repos/acme/x/contents/src%2Fdeep', undefined, 200],
    ['GET', '/repos/acme/x/contents/nothing', undefined, 404],
    ['GET', '/repos/acme/x/contents/a.txt?ref=nothing', undefined, 404],
    ['DELETE', '/repos/acme/x/git/refs/heads%2Fwork', undefined, 204],
    ['DELETE', '/repos/acme/x/git/refs/heads%2Fnothing', undefined, 422],
  ])('%s %s', async (method, path, body, status) => {
    expect((await ask(path, { method, body })).status).toBe(status);
    expect(github.violations()).toEqual([]);
  });

  test('a reference is made, read and removed', async () => {
    const sha = branchesOf(bare).work;
    const made = await ask('/repos/acme/x/git/refs', { method: 'POST', body: { ref: 'refs/heads/new', sha } });
    expect([made.status, made.body.object.sha]).toEqual([201, sha]);
    const commit = await ask(`/repos/acme/x/git/commits/${sha}`);
    expect(commit.body).toMatchObject({ sha, message: 'Work', parents: [{ sha: branchesOf(bare).main }] });
    await ask('/repos/acme/x/git/refs/heads%2Fnew', { method: 'DELETE' });
    expect(branchesOf(bare).new).toBeUndefined();
    expect(github.violations()).toEqual([]);
  });

  test('a file is told by its content, a folder by what is in it', async () => {
    const file = await ask('/repos/acme/x/contents/a.txt');
    expect(file.body).toMatchObject({ type: 'file', name: 'a.txt', encoding: 'base64', content: 'YQ==' });
    const folder = await ask('/repos/acme/x/contents/src');
    expect(folder.body).toMatchObject([{ type: 'dir', name: 'deep', path: 'src/deep' }]);
    const deep = await ask('/repos/acme/x/contents/src%2Fdeep?ref=main');
    expect(deep.body).toMatchObject([{ type: 'file', path: 'src/deep/b.txt' }]);
  });

  test('a pull request, open and ended, is a pull request everywhere', async () => {
    await create();
    expect((await ask('/repos/acme/x/pulls/3')).body).toMatchObject({ state: 'open', merged: false });
    expect((await ask('/repos/acme/x/issues/3')).body).toHaveProperty('pull_request.html_url');
    github.mergePull(3);
    expect((await ask('/repos/acme/x/pulls/3')).body).toMatchObject({ state: 'closed', merged: true });
    const listed = await ask('/repos/acme/x/pulls?state=all');
    expect(listed.body).toMatchObject([{ number: 3, state: 'closed', merged_at: expect.any(String) }]);
    expect((await ask('/repos/acme/x/pulls')).body).toEqual([]);
    expect(github.violations()).toEqual([]);
  });
});

describe('GitHub’s own rules', () => {
  test('a second open pull request for a head and base is refused; after the first has ended it is not', async () => {
    expect((await create()).status).toBe(201);
    const second = await create();
    expect(second.status).toBe(422);
    expect(second.body.errors).toMatchObject([{ message: 'A pull request already exists for acme:work.' }]);
    github.closePull(3);
    expect((await create()).status).toBe(201);
    expect(github.pulls().map(({ state }) => state)).toEqual(['closed', 'open']);
  });

  test.each([
    [{ head: 'nothing' }, { field: 'head', code: 'invalid' }],
    [{ head: 'somebody:work' }, { field: 'head', code: 'invalid' }],
    [{ base: 'nothing' }, { field: 'base', code: 'invalid' }],
    [{ head: 'main' }, { message: 'No commits between main and main' }],
  ])('%j is refused', async (changes, error) => {
    const { status, body } = await create(changes);
    expect([status, body.errors]).toMatchObject([422, [error]]);
    expect(github.violations()).toEqual([]);
  });

  test('a pull request ends with its branch, and keeps its commit', async () => {
    await create();
    const commit = branchesOf(bare).work;
    github.removeBranch('work');
    expect(github.pulls()).toMatchObject([{ state: 'closed', commit }]);
  });

  test.each([
    ['a wrong token', '/repos/acme/x', 'wrong', 401],
    ['no token', '/repos/acme/x', null, 200],
    ['no token for what is private', '/repos/acme/private', null, 404],
    ['a token for what is private', '/repos/acme/private', 'reader', 200],
    ['no token to tell whose it is', '/user', null, 401],
  ])('%s', async (_, path, token, status) => {
    expect((await ask(path, { token })).status).toBe(status);
  });

  test.each([
    [null, 401],
    ['reader', 403],
  ])('%s may not write', async (token, status) => {
    expect((await ask('/repos/acme/x/pulls', { method: 'POST', token, body: pull })).status).toBe(status);
    expect(github.pulls()).toEqual([]);
  });

  test('lists come in pages', async () => {
    for (let number = 10; number < 15; number += 1) github.addIssue({ number, title: `${number}` });
    const first = await ask('/repos/acme/x/issues?per_page=4');
    expect(first.body.map((issue: { number: number }) => issue.number)).toEqual([14, 13, 12, 11]);
    expect(first.headers.get('link')).toContain('page=2>; rel="next"');
    const second = await ask('/repos/acme/x/issues?per_page=4&page=2');
    expect(second.body.map((issue: { number: number }) => issue.number)).toEqual([10, 1]);
    expect(second.headers.get('link')).toBeNull();
  });
});

describe('what is not as GitHub describes it is found', () => {
  test.each([
    ['a parameter that is none', '/repos/acme/x/pulls?page_size=3', undefined, /pulls\/list: .*additional properties/],
    ['a value that is none', '/repos/acme/x/pulls?state=merged', undefined, /pulls\/list: .*state/],
    ['a body without what is required', '/repos/acme/x/pulls', { title: 'x' }, /pulls\/create: .*required property/],
    ['an operation that is none', '/repos/acme/x/pull', undefined, /GET .*\/pull: no such operation/],
  ])('%s', async (_, path, body, violation) => {
    await ask(path, { body, method: body === undefined ? 'GET' : 'POST' });
    expect(github.violations()).toMatchObject([expect.stringMatching(violation)]);
    await expect(github.close()).rejects.toThrow(violation);
  });

  test('an answer without what is required, with a wrong value, or with another status', async () => {
    const description = await Description.load();
    const { body } = await ask('/repos/acme/x/issues/1');
    const faults = (status: number, answer: unknown) => description.faultsOf('issues/get', status, answer);
    expect(faults(200, body)).toEqual([]);
    expect(faults(200, { ...body, title: 7 })).toEqual(['/title must be string']);
    expect(faults(200, { ...body, created_at: 'yesterday' })).not.toEqual([]);
    expect(faults(200, { ...body, number: undefined })).not.toEqual([]);
    expect(faults(201, body)).toEqual(['status 201 is not declared']);
    expect(faults(404, { message: 7 })).toEqual(['/message must be string']);
  });
});

describe('incidents', () => {
  test('come in their order, once each, for their operation only', async () => {
    github.plan('repos/get', { type: 'answer', status: 503 });
    github.plan('repos/get', { type: 'answer', status: 429, headers: { 'retry-after': '7' } });
    expect((await ask('/repos/acme/x/issues/1')).status).toBe(200);
    expect((await ask('/repos/acme/x')).status).toBe(503);
    const limited = await ask('/repos/acme/x');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect((await ask('/repos/acme/x')).status).toBe(200);
  });

  test('a lost request does nothing, a lost answer all', async () => {
    github.plan('pulls/create', { type: 'lost-request' });
    await expect(create()).rejects.toThrow();
    expect(github.pulls()).toEqual([]);
    github.plan('pulls/create', { type: 'lost-answer' });
    await expect(create()).rejects.toThrow();
    expect(github.pulls().length).toBe(1);
  });

  test('requests are logged with whose they were', async () => {
    await ask('/repos/acme/x', { token: 'reader' });
    expect(github.requests).toEqual([
      { operation: 'repos/get', method: 'GET', path: '/api/v3/repos/acme/x', login: 'ada' },
    ]);
  });
});
