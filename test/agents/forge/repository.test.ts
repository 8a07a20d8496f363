import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { originOf, parseIssue, parseRepository } from '../../../src/agents/forge/repository.ts';
import type { HostId } from '../../../src/protocol/ids.ts';
import { git, makeBareRepository } from '../../support/repository.ts';

const host = 'this-host' as HostId;
const github = (owner: string, name: string) => ({ type: 'github', owner, name });
let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'repository-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

const parse = (text: string, env = {}) => parseRepository(text, { cwd: folder, host, env });

describe('a repository is read from', () => {
  test.each([
    ['owner/name', 'acme/widgets'],
    ['owner/name with dots', 'acme/widgets.js', 'widgets.js'],
    ['its page', 'https://github.com/acme/widgets'],
    ['its page, with a slash', 'https://github.com/acme/widgets/'],
    ['a page below', 'https://www.github.com/acme/widgets/tree/main/src'],
    ['its clone URL', 'https://github.com/acme/widgets.git'],
    ['its ssh URL', 'ssh://git@github.com/acme/widgets.git'],
    ['its ssh URL by port 443', 'ssh://git@ssh.github.com:443/acme/widgets.git'],
    ['its ssh address', 'git@github.com:acme/widgets.git'],
    ['words around it', '  acme/widgets\n'],
  ])('%s', async (_, text, name = 'widgets') => {
    expect(await parse(text)).toEqual(github('acme', name));
  });

  test.each([
    'https://gitlab.test/group/sub/project.git',
    'https://github.com.evil.test/acme/widgets',
    'https://github.com:8443/acme/widgets',
    'git@gitlab.test:group/project.git',
    'ssh://me@nas:2222/srv/git/x.git',
    'git://git.test/x.git',
  ])('any git server’s %s', async (url) => {
    expect(await parse(url)).toEqual({ type: 'git', url });
  });

  test('a GitHub of one’s own, by its port', async () => {
    const env = { GITHUB_SERVER_URL: 'http://127.0.0.1:3000' };
    expect(await parse('http://127.0.0.1:3000/acme/widgets', env)).toEqual(github('acme', 'widgets'));
    expect(await parse('http://127.0.0.1:4000/a/b', env)).toEqual({ type: 'git', url: 'http://127.0.0.1:4000/a/b' });
    expect(await parse('https://github.com/a/b', env)).toEqual({ type: 'git', url: 'https://github.com/a/b' });
  });

  test('a bare repository’s path', async () => {
    const path = makeBareRepository(join(folder, 'x.git'), { 'a.txt': 'a' });
    for (const text of [path, './x.git', 'x.git', `file://${path}`]) {
      expect(await parse(text)).toEqual({ type: 'path', path, host });
    }
  });

  test('any folder of a checkout', async () => {
    git(folder, 'init', '--quiet');
    mkdirSync(join(folder, 'src'));
    for (const text of ['.', './src', folder]) expect(await parse(text)).toEqual({ type: 'path', path: folder, host });
  });
});

describe('what is none is told in one line', () => {
  test.each([
    ['', /is no repository: give owner\/name/],
    ['widgets', /is no repository/],
    ['acme/', /is no repository/],
    ['-acme/widgets', /is no repository/],
    ['acme/..', /is no repository/],
    ['https://github.com/acme', /is no repository/],
    ['https://', /is no repository/],
    ['ext::sh -c "touch /tmp/ran"', /is no repository/],
    ['ftp://host/x.git', /is no repository/],
    ['./nothing', /there is no folder .*: check --repo/],
    ['.', /is no git repository: run `git init`/],
  ])('%j', async (text, message) => {
    await expect(parse(text)).rejects.toMatchObject({ name: 'RepositoryError', code: 'not-a-repository' });
    await expect(parse(text)).rejects.toThrow(message);
  });

  test.each([
    'https://me:secret@github.com/acme/widgets',
    'https://secret@git.test/x.git',
    'ssh://me:secret@git.test/x.git',
  ])('%s, since every peer would read it', async (text) => {
    const error = await parse(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'secret-in-url' });
    expect(String(error)).not.toContain('secret@');
  });
});

describe('the origin of a folder', () => {
  const origin = (env = {}) => originOf(folder, { host, env });

  test.each([
    ['git@github.com:acme/widgets.git', github('acme', 'widgets')],
    ['https://x-access-token:secret@github.com/acme/widgets', github('acme', 'widgets')],
    ['https://git.test/x.git', { type: 'git', url: 'https://git.test/x.git' }],
  ])('%s', async (url, repository) => {
    git(folder, 'init', '--quiet');
    git(folder, 'remote', 'add', 'origin', url);
    expect(await origin()).toEqual(repository);
  });

  test('seen from a folder below, beside it on the disk', async () => {
    const path = makeBareRepository(join(folder, 'x.git'), { 'a.txt': 'a' });
    mkdirSync(join(folder, 'clone', 'src'), { recursive: true });
    git(join(folder, 'clone'), 'init', '--quiet');
    git(join(folder, 'clone'), 'remote', 'add', 'origin', '../x.git');
    expect(await originOf(join(folder, 'clone', 'src'), { host, env: {} })).toEqual({ type: 'path', path, host });
  });

  test('is missing', async () => {
    await expect(origin()).rejects.toMatchObject({ code: 'no-origin' });
    git(folder, 'init', '--quiet');
    await expect(origin()).rejects.toThrow(/: say which repository with --repo$/);
  });
});

describe('an issue is read from', () => {
  test.each([
    ['7', null],
    ['#7', null],
    ['acme/widgets#7', github('acme', 'widgets')],
    ['https://github.com/acme/widgets/issues/7', github('acme', 'widgets')],
    ['https://github.com/acme/widgets/issues/7#issuecomment-1', github('acme', 'widgets')],
  ])('%s', (text, repository) => {
    expect(parseIssue(text, {})).toEqual({ number: 7, repository });
  });

  test.each([
    ['', /is no issue/],
    ['0', /is no issue/],
    ['-7', /is no issue/],
    ['seven', /is no issue/],
    ['acme/widgets7', /is no issue/],
    ['1.5', /is no issue/],
    ['https://github.com/acme/widgets', /is no issue/],
    ['https://github.com/acme/widgets/pull/7', /is a pull request: give the URL of an issue/],
    ['https://gitlab.test/acme/widgets/issues/7', /gitlab\.test is not the GitHub in use: .*GITHUB_SERVER_URL/],
  ])('not from %j', (text, message) => {
    expect(() => parseIssue(text, {})).toThrow(message);
  });
});
