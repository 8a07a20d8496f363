import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GitHub } from '../../../src/agents/forge/github.ts';
import { GitHubForge } from '../../../src/agents/forge/github-forge.ts';
import { gitHubSettings } from '../../../src/agents/forge/settings.ts';
import type { GitRemote } from '../../../src/agents/git.ts';
import { Mirrors } from '../../../src/agents/workspace/mirror.ts';
import { remoteOf } from '../../../src/agents/workspace/submodules.ts';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { startFakeGitHub } from '../../support/fake-github/server.ts';
import { type LocalServer, startGitServer } from '../../support/git-server.ts';
import { type Files, makeRepository, person, personPushes, useFolder } from '../support.ts';
import { requestFor, signal, workspacesIn } from './support.ts';

const folder = useFolder();
let server: LocalServer;

beforeEach(async () => {
  server = await startGitServer({ root: folder.path });
});
afterEach(() => server.close());

/** A bare repository in a folder of its own. */
const repository = (name: string, files?: Files): string => {
  mkdirSync(join(folder.path, name));
  return makeRepository(join(folder.path, name), files);
};
/** Names `url` as the submodule `path`, at the tip of the repository at `bare`. */
function addSubmodule(of: string, path: string, url: string, bare: string): void {
  const checkout = join(of, '..', 'checkout');
  person(checkout, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', '--name', path, bare, path);
  person(checkout, 'config', '-f', '.gitmodules', `submodule.${path}.url`, url);
  personPushes(join(of, '..'));
}
const mirrors = (): Mirrors => new Mirrors(join(folder.path, 'home'));
const open = (remote: GitRemote, from = mirrors()): Promise<Workspace> =>
  workspacesIn(join(folder.path, 'home'), from).open(requestFor(remote.url, { remote }));
const local = (url: string): GitRemote => ({ url, authorization: null });
/** The address of a repository, on a server that has all of them. */
const served = (bare: string): string => server.origin + bare.slice(folder.path.length);
const remote = (bare: string): GitRemote => local(served(bare));
const read = (workspace: Workspace, path: string): string => readFileSync(join(workspace.cwd, path), 'utf8');

describe('a submodule on the repository’s own server', () => {
  test('is in the clone at its commit, and so are its own', async () => {
    const [main, lib, inner] = [repository('main'), repository('lib', { 'lib.txt': '1\n' }), repository('inner')];
    addSubmodule(lib, 'deep', served(inner), inner);
    addSubmodule(main, 'vendor/lib', '../../lib/origin.git', lib);
    person(join(folder.path, 'lib', 'checkout'), 'rm', '--quiet', 'lib.txt');
    personPushes(join(folder.path, 'lib'));
    const workspace = await open(remote(main));
    expect(read(workspace, 'vendor/lib/lib.txt')).toBe('1\n');
    expect(read(workspace, 'vendor/lib/deep/a.txt')).toBe('a\n');
    expect(person(workspace.cwd, 'status', '--porcelain')).toBe('');
    expect(workspace.notes).toEqual([
      '`vendor/lib` is a submodule: read it, but changes in it are not published.',
      '`vendor/lib/deep` is a submodule: read it, but changes in it are not published.',
    ]);
    expect(workspace.places.readable).toHaveLength(3);
    expect(await workspace.snapshot(signal)).toBeNull();
  });

  test('is read with the peer’s login, which the clone does not keep', async () => {
    const [main, lib] = [repository('main'), repository('lib', { 'lib.txt': '1\n' })];
    addSubmodule(main, 'by-ssh', 'git@127.0.0.1:acme/gears.git', lib);
    addSubmodule(main, 'beside', '../gears.git', lib);
    await using github = await startFakeGitHub({
      repositories: [
        { owner: 'acme', name: 'widgets', gitDir: main, isPrivate: true },
        { owner: 'acme', name: 'gears', gitDir: lib, isPrivate: true },
      ],
      tokens: ['good-token'],
    });
    const { apiUrl, serverUrl } = github;
    const env = { GITHUB_API_URL: apiUrl, GITHUB_SERVER_URL: serverUrl, GITHUB_TOKEN: 'good-token' };
    const forge = new GitHubForge(new GitHub(gitHubSettings(env)), { owner: 'acme', name: 'widgets' });
    const workspace = await open(forge.remote());
    for (const path of ['by-ssh', 'beside']) {
      expect(read(workspace, `${path}/lib.txt`)).toBe('1\n');
      expect(read(workspace, `${path}/.git/config`)).not.toMatch(/token|authorization|extraheader/i);
    }
  });

  test('keeps its mirror for as long as there is a workspace', async () => {
    const [main, lib] = [repository('main'), repository('lib')];
    addSubmodule(main, 'lib', served(lib), lib);
    const from = mirrors();
    const workspace = await open(remote(main), from);
    await from.discard(served(lib));
    expect(from.has(served(lib))).toBe(true);
    await workspace.close(true);
    await from.discard(served(lib));
    expect(from.has(served(lib))).toBe(false);
  });
});

describe('a submodule that cannot be had is told of', () => {
  test.each<[string, (lib: string) => string, RegExp]>([
    ['on another server', () => 'https://elsewhere.example/lib.git', /is not here: it is on another server\.$/],
    ['that is gone', () => served(join(folder.path, 'nowhere/lib.git')), /is not here: git .*not found/],
    ['that is a folder of this PC', (lib: string) => lib, /is not here: it is on another server\.$/],
  ])('one %s', async (_, url, note) => {
    const [main, lib] = [repository('main'), repository('lib')];
    addSubmodule(main, 'lib', url(lib), lib);
    const workspace = await open(remote(main));
    expect(existsSync(join(workspace.cwd, 'lib/a.txt'))).toBe(false);
    expect(workspace.notes).toEqual([expect.stringMatching(note)]);
  });

  test.each(['../../lib/origin.git', null])('any of a repository that is a folder of this PC: %s', async (url) => {
    const [main, lib] = [repository('main'), repository('lib', { 'private.txt': 'private\n' })];
    addSubmodule(main, 'lib', url ?? lib, lib);
    const workspace = await open(local(main));
    expect(existsSync(join(workspace.cwd, 'lib/private.txt'))).toBe(false);
    expect(workspace.notes).toEqual([
      expect.stringMatching(/is not here: the repository is on no server that it could be taken from\.$/),
    ]);
  });

  test('one whose commit is in no branch', async () => {
    const [main, lib] = [repository('main'), repository('lib')];
    addSubmodule(main, 'lib', served(lib), lib);
    const checkout = join(folder.path, 'lib', 'checkout');
    person(checkout, 'commit', '--quiet', '--amend', '-m', 'rewritten');
    person(checkout, 'push', '--quiet', '--force', 'origin', 'main');
    expect((await open(remote(main))).notes).toEqual([
      expect.stringMatching(/^The submodule `lib` is not here: git cat-file/),
    ]);
  });

  test('one that is empty, and the next one is there', async () => {
    const [main, lib, empty] = [repository('main'), repository('lib', { 'lib.txt': '1\n' }), repository('empty')];
    addSubmodule(main, 'a-empty', served(empty), empty);
    addSubmodule(main, 'lib', served(lib), lib);
    person(empty, 'update-ref', '-d', 'refs/heads/main');
    const workspace = await open(remote(main));
    expect(read(workspace, 'lib/lib.txt')).toBe('1\n');
    expect(workspace.notes).toEqual(
      [
        expect.stringMatching(/^The submodule `a-empty` is not here: the repository is empty/),
        expect.stringMatching(/^`lib` is a submodule/),
      ].toReversed(),
    );
  });

  test('but a full disk ends it: no submodule would have room', async () => {
    const [main, lib] = [repository('main'), repository('lib')];
    addSubmodule(main, 'lib', served(lib), lib);
    let asked = 0;
    // Asked before and after each fetch: the second repository finds none.
    const full = new Mirrors(join(folder.path, 'home'), async () => (++asked > 2 ? 0 : 2 ** 40));
    await expect(open(remote(main), full)).rejects.toMatchObject({ code: 'no-space' });
  });

  test('one that has the repository itself as a submodule, at the third turn', async () => {
    const main = repository('main');
    for (let i = 0; i < 4; i += 1) {
      addSubmodule(main, `turn-${i}`, served(main), main);
    }
    const { notes } = await open(remote(main));
    expect(notes.some((note) => note.includes('turn-3/turn-2/turn-1/turn-0` is not here: there are too many'))).toBe(
      true,
    );
  });
});

describe('where a submodule is', () => {
  const https = { url: 'https://host.example/acme/widgets.git', authorization: 'Basic x' };
  const ssh = { url: 'git@host.example:acme/widgets.git', authorization: null };

  test.each<[string, GitRemote, string | null]>([
    ['../gears.git', https, 'https://host.example/acme/gears.git'],
    ['../../other/gears', https, 'https://host.example/other/gears'],
    ['../../../../gears', https, 'https://host.example/gears'],
    ['./gears', https, 'https://host.example/acme/widgets.git/gears'],
    ['https://host.example/acme/gears', https, 'https://host.example/acme/gears'],
    ['git@host.example:acme/gears.git', https, 'https://host.example/acme/gears.git'],
    ['ssh://git@host.example/acme/gears.git', https, 'https://host.example/acme/gears.git'],
    ['../gears.git', ssh, 'git@host.example:acme/gears.git'],
    ['https://host.example/acme/gears', ssh, 'https://host.example/acme/gears'],
    ['../b.git', local('/srv/a.git'), null],
    ['/srv/b.git', local('/srv/a.git'), null],
    ['file:///srv/b.git', local('file:///srv/a.git'), null],
    ['http://host.example/acme/gears', https, null],
    ['https://host.example:8443/acme/gears', https, null],
    ['https://host.example.evil/acme/gears', https, null],
    ['https://evil@169.254.169.254/x', https, null],
    ['/etc', https, null],
    ['file:///etc', https, null],
    ['ext::sh -c evil', https, null],
    ['--upload-pack=evil', https, null],
    ['https://elsewhere.example/x', local('/srv/a.git'), null],
  ])('%s of %o', (url, parent, expected) => {
    expect(remoteOf(url, parent)).toEqual(expected === null ? null : { ...parent, url: expected });
  });
});
