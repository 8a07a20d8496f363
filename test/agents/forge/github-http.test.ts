import { describe, expect, test } from 'vitest';
import { checkToken } from '../../../src/agents/forge/access.ts';
import { GitHub } from '../../../src/agents/forge/github.ts';
import { createForgeFor } from '../../../src/agents/forge/select.ts';
import { gitHubSettings } from '../../../src/agents/forge/settings.ts';
import { isPassing } from '../../../src/agents/retry.ts';
import type { HostId } from '../../../src/protocol/ids.ts';
import { listenLocally } from '../../support/git-server.ts';
import { taskOf } from './commits.ts';
import { name, Setup } from './github-setup.ts';

const count = (setup: Setup, operation: string): number =>
  setup.github.requests.filter((request) => request.operation === operation).length;

describe('reading is repeated', () => {
  test.each([
    ['after a failure of GitHub', { type: 'answer', status: 502 }],
    ['after a connection that broke', { type: 'lost-answer' }],
    ['after a rate limit that ends soon', { type: 'answer', status: 403, headers: { 'retry-after': '0' } }],
  ] as const)('%s', async (_, incident) => {
    await using setup = await Setup.start();
    setup.github.plan('repos/get', incident);
    expect(await setup.api().repository(name)).toMatchObject({ default_branch: 'main' });
    expect(count(setup, 'repos/get')).toBe(2);
  });

  test('a bounded number of times', async () => {
    await using setup = await Setup.start();
    for (let i = 0; i < 9; i += 1) setup.github.plan('repos/get', { type: 'answer', status: 500 });
    const reading = setup.api().repository(name);
    await expect(reading).rejects.toMatchObject({ code: 'network', message: 'GitHub failed (500): try again later' });
    expect(count(setup, 'repos/get')).toBe(3);
  });

  test('but not after a refusal', async () => {
    await using setup = await Setup.start();
    await expect(setup.api('bad-token').repository(name)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(count(setup, 'repos/get')).toBe(1);
  });
});

test('writing is not repeated: it may have been done', async () => {
  await using setup = await Setup.start();
  const draft = await setup.pushed(setup.publisher.ours(taskOf('a'), 1));
  setup.github.plan('pulls/create', { type: 'answer', status: 502 });
  const opening = setup.forge().openPullRequest(draft);
  await expect(opening).rejects.toMatchObject({ code: 'network', status: 502 });
  expect(count(setup, 'pulls/create')).toBe(1);
});

describe('a rate limit', () => {
  const inAnHour = String(Math.floor(Date.now() / 1_000) + 3_600);
  test.each([
    [
      '403 with nothing left',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inAnHour },
      /in (59|60|61) min$/,
    ],
    ['429 with a late end', 429, { 'retry-after': '120' }, /in 2 min$/],
    ['429 without an end', 429, {}, /in a few minutes$/],
  ])('told as %s is not waited for', async (_, status, headers, mend) => {
    await using setup = await Setup.start();
    setup.github.plan('repos/get', { type: 'answer', status, headers });
    const error = await setup
      .api()
      .repository(name)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'rate-limited', status, mend: expect.stringMatching(mend) });
    expect(isPassing(error)).toBe(true);
    expect(count(setup, 'repos/get')).toBe(1);
  });

  test('of nobody in particular is mended by a token', async () => {
    await using setup = await Setup.start();
    setup.github.plan('repos/get', { type: 'answer', status: 403, message: 'API rate limit exceeded for 1.2.3.4.' });
    await expect(setup.api(null).repository(name)).rejects.toThrow(/: set GITHUB_TOKEN, which allows many more/);
  });
});

describe('what is no GitHub', () => {
  test('a port where nobody listens', async () => {
    const settings = gitHubSettings({ GITHUB_API_URL: 'http://127.0.0.1:9/' });
    const reading = new GitHub(settings, { pausesMs: [] }).repository(name);
    await expect(reading).rejects.toMatchObject({ name: 'ForgeError', code: 'network', status: null });
    await expect(reading).rejects.toThrow(/http:\/\/127\.0\.0\.1:9 .*: check the network, and GITHUB_API_URL/);
  });

  test.each([
    ['a web page', 'text/html', '<!doctype html>'],
    ['other JSON', 'application/json', '{"hello":"world"}'],
    ['broken JSON', 'application/json', '{"hello'],
  ])('a server that answers with %s', async (_, type, body) => {
    await using server = await listenLocally(async (_request, response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    const reading = new GitHub(gitHubSettings({ GITHUB_API_URL: server.origin })).repository(name);
    await expect(reading).rejects.toMatchObject({ code: 'invalid', mend: 'check GITHUB_API_URL' });
  });
});

describe('settings', () => {
  test('are GitHub’s own by default', () => {
    const settings = { apiUrl: 'https://api.github.com', serverUrl: 'https://github.com', token: null };
    expect(gitHubSettings({})).toEqual(settings);
    expect(gitHubSettings({ GITHUB_TOKEN: ' ', GITHUB_API_URL: '', GITHUB_SERVER_URL: '' })).toEqual(settings);
  });

  test('lose the slash at their end', () => {
    const env = {
      GITHUB_API_URL: 'https://ghe.test/api/v3/',
      GITHUB_SERVER_URL: 'https://ghe.test/',
      GITHUB_TOKEN: 't\n',
    };
    expect(gitHubSettings(env)).toEqual({
      apiUrl: 'https://ghe.test/api/v3',
      serverUrl: 'https://ghe.test',
      token: 't',
    });
  });
});

describe('the forge of a repository', () => {
  const github = { type: 'github', owner: 'acme', name: 'widgets' } as const;

  test('on GitHub without a token is none', () => {
    expect(createForgeFor({})(github)).toMatchObject({ noAccess: expect.stringContaining('GITHUB_TOKEN') });
  });

  test('on GitHub is cloned with the token, which is not in its URL', () => {
    const forge = createForgeFor({ GITHUB_TOKEN: 'secret' })(github);
    if ('noAccess' in forge) throw new Error(forge.noAccess);
    expect(forge.opensPullRequests).toBe(true);
    const { url, authorization } = forge.remote();
    expect(url).toBe('https://github.com/acme/widgets.git');
    const [, encoded = ''] = (authorization ?? '').split(' ');
    expect(Buffer.from(encoded, 'base64').toString()).toBe('x-access-token:secret');
  });

  test.each([
    [{ type: 'git', url: 'https://git.test/x.git' } as const, 'https://git.test/x.git'],
    [{ type: 'path', path: '/srv/x.git', host: 'h' as HostId } as const, '/srv/x.git'],
  ])('elsewhere never gets the token', (repository, url) => {
    const forge = createForgeFor({ GITHUB_TOKEN: 'secret' })(repository);
    if ('noAccess' in forge) throw new Error(forge.noAccess);
    expect(forge.remote()).toEqual({ url, authorization: null });
    expect(forge.opensPullRequests).toBe(false);
  });
});

test('a private repository without a token is told as one that is not shown', async () => {
  await using setup = await Setup.start({ isPrivate: true });
  const message = 'GitHub shows no Acme/Widgets (404): check its name, or set GITHUB_TOKEN if it is private';
  await expect(new GitHub(gitHubSettings(setup.env(null))).repository(name)).rejects.toMatchObject({
    code: 'not-found',
    message,
  });
});

describe('what a person can know beforehand', () => {
  test('whose token it is', async () => {
    await using setup = await Setup.start();
    expect(await checkToken(setup.env(null))).toEqual({ type: 'none' });
    expect(await checkToken(setup.env('reader-token'))).toEqual({ type: 'valid', login: 'reader' });
    expect(await checkToken(setup.env('x'))).toMatchObject({ type: 'refused', error: { code: 'unauthorized' } });
  });
});
