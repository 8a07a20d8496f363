import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git as runGit } from '../../src/agents/git.ts';
import { startGitServer } from './git-server.ts';
import { branchesOf, git, makeBareRepository } from './repository.ts';

let root = '';
let bare = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'git-server-'));
  mkdirSync(join(root, 'acme'));
  bare = makeBareRepository(join(root, 'acme', 'x.git'), { 'a.txt': 'a\n', 'big.txt': 'b'.repeat(2_000_000) });
});
afterEach(() => rmSync(root, { recursive: true }));

const login = (token: string): string => `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
const tokens = { writer: 'write', reader: 'read' } as const;

describe('a git server', () => {
  test('is cloned from and pushed to, shallow and in full', async () => {
    await using server = await startGitServer({ root });
    const url = `${server.origin}/acme/x.git`;
    for (const [name, options] of [
      ['full', []],
      ['shallow', ['--depth=1']],
    ] as const) {
      const clone = join(root, name);
      // Not by the git that blocks this process, which is the server too.
      await runGit(['clone', '--quiet', ...options, '--', url, clone]);
      git(clone, 'commit', '--quiet', '--allow-empty', '-m', name);
      await runGit(['push', '--quiet', '--', url, `HEAD:refs/heads/${name}`], { cwd: clone });
      expect(branchesOf(bare)[name]).toBe(git(clone, 'rev-parse', 'HEAD'));
    }
  });

  test('gives a commit without its files', async () => {
    await using server = await startGitServer({ root });
    const gitDir = join(root, 'scratch.git');
    git(root, 'init', '--quiet', '--bare', gitDir);
    const url = `${server.origin}/acme/x.git`;
    await runGit(['fetch', '--quiet', '--depth=1', '--filter=tree:0', '--', url, 'refs/heads/main'], { gitDir });
    expect(git(gitDir, 'cat-file', '--batch-check', '--batch-all-objects')).toMatch(/^\w+ commit \d+$/);
  });

  test.each([
    ['a stranger', null, 401, 401],
    ['somebody with a wrong token', 'wrong', 401, 401],
    ['a reader', 'reader', 200, 403],
    ['a writer', 'writer', 200, 200],
  ])('lets %s do what they may', async (_, token, fetching, pushing) => {
    await using server = await startGitServer({ root, tokens });
    const ask = async (service: string): Promise<number> => {
      const headers: Record<string, string> = token === null ? {} : { authorization: login(token) };
      const response = await fetch(`${server.origin}/acme/x.git/info/refs?service=${service}`, { headers });
      await response.arrayBuffer();
      return response.status;
    };
    expect([await ask('git-upload-pack'), await ask('git-receive-pack')]).toEqual([fetching, pushing]);
  });

  test('can be closed though a client has gone in the middle of an answer', async () => {
    await using server = await startGitServer({ root });
    const main = git(bare, 'rev-parse', 'main');
    const refs = Array.from({ length: 50_000 }, (_, index) => `${main} refs/heads/${index}\n`);
    writeFileSync(join(bare, 'packed-refs'), refs.join(''));
    const asked = request(`${server.origin}/acme/x.git/info/refs?service=git-upload-pack`).end();
    await once(asked, 'response');
    asked.destroy();
  });

  test.each(['/acme/y.git/info/refs?service=git-upload-pack', '/acme/x.git/HEAD', '/', '/%2e%2e/x.git/info/refs'])(
    'has no %s',
    async (path) => {
      await using server = await startGitServer({ root });
      expect((await fetch(`${server.origin}${path}`)).status).toBe(404);
    },
  );
});
