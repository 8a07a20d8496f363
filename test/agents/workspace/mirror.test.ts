import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Mirrors } from '../../../src/agents/workspace/mirror.ts';
import { person, personPushes } from '../support.ts';
import { agent, committed, requestFor, signal, useWorkspaces, workspacesIn } from './support.ts';

const at = useWorkspaces();

describe('a mirror', () => {
  test('of an empty repository says so', async () => {
    const bare = join(at.folder, 'empty.git');
    person(at.folder, 'init', '--quiet', '--bare', bare);
    const remote = { url: bare, authorization: null };
    const mirrors = new Mirrors(at.home);
    for (const base of [null, 'main']) {
      await expect(mirrors.refresh(remote, base, signal)).rejects.toMatchObject({ code: 'empty-repository' });
    }
  });

  test('of a repository without that branch says so', async () => {
    await expect(at.open({ base: 'none' })).rejects.toMatchObject({ code: 'no-such-branch' });
    await expect(at.open({ base: 'main^{tree}' })).rejects.toMatchObject({ code: 'no-such-branch' });
  });

  test('of a repository whose HEAD names no branch asks for one', async () => {
    person(at.origin, 'symbolic-ref', 'HEAD', 'refs/heads/none');
    await expect(at.open()).rejects.toMatchObject({ code: 'no-default-branch' });
  });

  test('of a repository with long commit ids, from the clone to the snapshot', async () => {
    const long = join(at.folder, 'long.git');
    const checkout = join(at.folder, 'long');
    person(at.folder, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', checkout);
    person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    person(at.folder, 'clone', '--quiet', '--bare', checkout, long);
    const workspace = await workspacesIn(at.home).open(requestFor(long));
    agent(workspace, 'echo b > b.txt; git add .; git commit -qm own');
    expect(await committed(workspace)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is there only once it is complete', async () => {
    const mirrors = new Mirrors(at.home);
    const none = { url: join(at.folder, 'none'), authorization: null };
    await expect(mirrors.refresh(none, 'main', signal)).rejects.toMatchObject({ code: 'not-found' });
    expect(mirrors.has(none.url)).toBe(false);
    await at.open();
    expect(mirrors.has(at.origin)).toBe(true);
  });

  test('is used again after a git that was killed has left its locks', async () => {
    await (await at.open()).close(true);
    const [name = ''] = readdirSync(join(at.home, 'mirrors'));
    for (const lock of ['packed-refs.lock', 'refs/heads/main.lock', 'HEAD.lock']) {
      writeFileSync(join(at.home, 'mirrors', name, lock), '');
    }
    personPushes(at.folder);
    expect((await at.open()).base.commit).toBe(person(at.origin, 'rev-parse', 'main'));
  });

  test('that was damaged is made again', async () => {
    await (await at.open()).close(true);
    const [name = ''] = readdirSync(join(at.home, 'mirrors'));
    writeFileSync(join(at.home, 'mirrors', name, 'HEAD'), '');
    expect((await at.open()).base.branch).toBe('main');
  });

  test('is neither given up nor made again while somebody works with it', async () => {
    const mirrors = new Mirrors(at.home);
    const remote = { url: at.origin, authorization: null };
    const { dir, release } = await mirrors.refresh(remote, null, signal);
    await mirrors.discard(at.origin);
    expect(mirrors.has(at.origin)).toBe(true);
    writeFileSync(join(dir, 'HEAD'), '');
    await expect(mirrors.refresh(remote, null, signal)).rejects.toMatchObject({ code: 'mirror-in-use' });
    release();
    release();
    expect((await mirrors.refresh(remote, null, signal)).base.branch).toBe('main');
  });

  test('is lent for as long as there is a workspace', async () => {
    const mirrors = new Mirrors(at.home);
    const workspace = await at.open({}, workspacesIn(at.home, mirrors));
    await mirrors.discard(at.origin);
    expect(agent(workspace, 'git log --format=%s').trim()).toBe('by a person');
    await workspace.close(true);
    await mirrors.discard(at.origin);
    expect(mirrors.has(at.origin)).toBe(false);
  });

  test.each([
    ['nothing', () => 0, /only 0\.0 GiB are free/],
    ['less than an agent needs', () => 1024 ** 3 - 1, /of 1\.0 GiB needed/],
  ])('is not fetched where the disk has %s left', async (_, free, message) => {
    const mirrors = new Mirrors(at.home, async () => free());
    const fetching = mirrors.refresh({ url: at.origin, authorization: null }, null, signal);
    await expect(fetching).rejects.toMatchObject({ code: 'no-space', message: expect.stringMatching(message) });
    expect(mirrors.has(at.origin)).toBe(false);
  });

  test('serves several attempts at once', async () => {
    const workspaces = workspacesIn(at.home);
    const opened = await Promise.all([1, 2, 3].map((attempt) => workspaces.open(requestFor(at.origin, { attempt }))));
    expect(new Set(opened.map(({ cwd }) => cwd)).size).toBe(3);
  });
});
