import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { locateHome, openHome } from '../../../src/peer/home/home.ts';
import { modeOf, useTemporaryHome } from './temporary.ts';

describe('locateHome', () => {
  test.each([{}, { PEER_HOME: '' }, { PEER_HOME: undefined }])('without PEER_HOME it is ~/.issue-mesh (%j)', (env) => {
    expect(locateHome(env).folder).toBe(join(homedir(), '.issue-mesh'));
  });

  test('a relative PEER_HOME means the same after a change of folder', () => {
    expect(locateHome({ PEER_HOME: 'there' }).folder).toBe(resolve('there'));
  });

  test('everything lies inside the folder', () => {
    const { folder, ...paths } = locateHome({ PEER_HOME: '/a/b' });
    for (const path of Object.values(paths)) expect(path).toMatch(/^\/a\/b\/[a-z.-]+$/);
    expect(new Set(Object.values(paths)).size).toBe(Object.keys(paths).length);
  });
});

describe('openHome', () => {
  const temporary = useTemporaryHome();
  const open = (folder: string) => openHome({ PEER_HOME: folder });

  test('creates the folders for this user alone, parents too', async () => {
    const home = await open(join(temporary.folder, 'new/er'));
    for (const path of [home.folder, home.store, home.mirrors, home.work, home.logs])
      expect(await modeOf(path)).toBe(0o700);
    expect((await readdir(home.folder)).sort()).toEqual(['logs', 'mirrors', 'store', 'work']);
  });

  test('opens again, and leaves what is there', async () => {
    const { home } = temporary;
    await writeFile(home.config, '{}');
    expect(await open(home.folder)).toEqual(home);
    expect((await stat(home.config)).size).toBe(2);
  });

  test('a folder of others keeps its mode', async () => {
    const shared = join(temporary.folder, 'shared');
    await mkdir(shared);
    await chmod(shared, 0o755);
    await open(shared);
    expect(await modeOf(shared)).toBe(0o755);
  });

  test.each(['plain', 'plain/below', 'plain/below/deeper'])('a file in place of a folder: %s', async (path) => {
    await writeFile(join(temporary.folder, 'plain'), '');
    const folder = join(temporary.folder, path);
    const message = `${folder} is not a folder: make it so, or set PEER_HOME to another folder`;
    await expect(open(folder)).rejects.toMatchObject({
      name: 'HomeError',
      code: 'not-a-folder',
      subject: folder,
      message,
    });
  });

  test('a file in place of a folder inside of it', async () => {
    const folder = join(temporary.folder, 'half');
    await mkdir(folder);
    await writeFile(join(folder, 'logs'), '');
    await expect(open(folder)).rejects.toMatchObject({ code: 'not-a-folder', subject: join(folder, 'logs') });
  });

  test('a place that nobody can write to', async () => {
    const message = expect.stringMatching(
      /^\/proc\/peer is not a folder you can write to[^\n]*set PEER_HOME to another folder$/,
    );
    await expect(open('/proc/peer')).rejects.toMatchObject({ code: 'not-writable', subject: '/proc/peer', message });
  });

  test('a folder without permission to write', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root ignores permissions');
    const folder = join(temporary.folder, 'closed');
    await mkdir(folder);
    await chmod(folder, 0o500);
    await expect(open(folder)).rejects.toMatchObject({ code: 'not-writable' });
  });
});
