import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GitError, git, markGit, redact } from '../../src/agents/git.ts';
import { makeRepository, useFolder } from './support.ts';

const folder = useFolder();
const failure = async (promise: Promise<unknown>): Promise<GitError> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof GitError) return error;
  throw new Error(`no GitError: ${error}`);
};

describe('what git is run with', () => {
  test('a mark, by which the next peer finds what has outlived this one', async () => {
    markGit('a-mark');
    const { stdout } = await git(['-c', 'alias.show-env=!env', 'show-env'], { cwd: folder.path });
    expect(stdout).toMatch(/^ISSUE_MESH_RUN=a-mark$/m);
  });

  test('neither the user’s nor the system’s configuration, and no token', async () => {
    const home = join(folder.path, 'home');
    mkdirSync(home);
    writeFileSync(join(home, '.gitconfig'), '[user]\n  name = planted\n[alias]\n  x = !env\n');
    const before = { HOME: process.env.HOME, GITHUB_TOKEN: process.env.GITHUB_TOKEN };
    Object.assign(process.env, { HOME: home, GITHUB_TOKEN: 'secret-for-the-test', PEER_MESH_KEY: 'another-secret' });
    try {
      const { stdout } = await git(['-c', 'alias.show-env=!env', 'show-env'], { cwd: folder.path });
      expect(stdout).not.toMatch(/secret/);
      expect((await failure(git(['config', 'user.name'], { cwd: folder.path }))).exitCode).toBe(1);
      expect((await git(['config', 'core.hooksPath'], { cwd: folder.path })).stdout).toBe('/dev/null');
    } finally {
      restore(before);
      delete process.env.PEER_MESH_KEY;
    }
  });

  test('no transport that runs a command', async () => {
    const error = await failure(git(['ls-remote', '--', `ext::sh -c "touch ${folder.path}/ran"`]));
    expect(error.message).toMatch(/'ext' not allowed/);
  });
});

describe('where ssh fails, its reason is told', () => {
  test.each([
    ['ssh: connect to host git.test port 22: Connection refused', 'network', /: ssh: connect .* Connection refused$/],
    ['@@@ WARNING @@@\nSomeone could be listening.\nHost key verification failed.', 'auth', /: Host key verification/],
    ['git@git.test: Permission denied (publickey).', 'auth', /: git@git\.test: Permission denied \(publickey\)\.$/],
    ['Warning: Permanently added a key.', 'failed', /: fatal: Could not read from remote repository\.$/],
  ])('%j', async (said, code, message) => {
    const ssh = join(folder.path, 'ssh');
    writeFileSync(ssh, `#!/bin/sh\ncat >&2 <<'END'\n${said}\nEND\nexit 255\n`, { mode: 0o755 });
    const error = await failure(git(['ls-remote', 'git@git.test:a/b.git'], { env: { GIT_SSH_COMMAND: ssh } }));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a remote’s credential', () => {
  let servers: Server[] = [];
  let seen: { readonly url: string | undefined; readonly authorization: string | undefined }[] = [];

  beforeEach(() => {
    servers = [];
    seen = [];
  });
  afterEach(() => {
    for (const server of servers) server.close();
  });

  const serve = async (status: number, headers: Record<string, string> = {}): Promise<string> => {
    const server = createServer((request, response) => {
      seen.push({ url: request.headers.host, authorization: request.headers.authorization });
      response.writeHead(status, headers).end();
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const list = (url: string, for_ = url) =>
    failure(
      git(['ls-remote', '--', `${url}/r.git`], { remote: { url: `${for_}/r.git`, authorization: 'Basic c2VjcmV0' } }),
    );

  test('is sent to the remote, and a refusal is `auth`', async () => {
    const error = await list(await serve(403));
    expect(error.code).toBe('auth');
    expect(error.message).not.toContain('c2VjcmV0');
    expect(seen[0]?.authorization).toBe('Basic c2VjcmV0');
  });

  test('is not sent to another host', async () => {
    await list(await serve(404), 'https://forge.example');
    expect(seen).toMatchObject([{ authorization: undefined }]);
  });

  test('does not follow a redirect', async () => {
    const elsewhere = await serve(404);
    await list(await serve(302, { location: `${elsewhere}/r.git/info/refs?service=git-upload-pack` }));
    expect(seen.length).toBe(1);
  });

  test('nobody is asked for one', async () => {
    const url = await serve(401, { 'www-authenticate': 'Basic realm="x"' });
    expect((await failure(git(['ls-remote', '--', `${url}/r.git`]))).code).toBe('auth');
  });

  test.each([
    [404, 'not-found'],
    [503, 'network'],
    [429, 'network'],
  ] as const)('status %i is `%s`', async (status, code) => {
    expect((await list(await serve(status))).code).toBe(code);
  });
});

describe('failures', () => {
  test('a port where nobody listens is `network`', async () => {
    expect((await failure(git(['ls-remote', '--', 'http://127.0.0.1:1/r.git']))).code).toBe('network');
  });

  test('a path without a repository is `not-found`', async () => {
    expect((await failure(git(['ls-remote', '--', join(folder.path, 'none')]))).code).toBe('not-found');
  });

  test('an abort and a limit of time are told apart', async () => {
    const slow = ['-c', 'alias.slow=!sleep 60', 'slow'];
    const options = { cwd: folder.path };
    const aborted = await failure(git(slow, { ...options, signal: AbortSignal.timeout(50) }));
    expect(aborted).toMatchObject({ code: 'aborted', message: expect.not.stringContaining('undefined') });
    expect((await failure(git(slow, { ...options, timeoutMs: 50 }))).code).toBe('timeout');
  });

  test('the rest is `failed`, with git’s own line and its exit code', async () => {
    const gitDir = makeRepository(folder.path);
    const error = await failure(git(['rev-parse', '--verify', 'none'], { gitDir }));
    expect(error).toMatchObject({
      code: 'failed',
      exitCode: 128,
      message: 'git rev-parse: fatal: Needed a single revision',
    });
  });
});

test('a secret in a URL is cut out of texts', () => {
  expect(redact('fetch https://me:pass@host/x failed')).toBe('fetch https://host/x failed');
});

function restore(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
