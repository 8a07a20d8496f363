import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Home, locateHome, openHome } from '../../../src/peer/home/home.ts';
import { socketPath } from '../../../src/peer/home/socket.ts';
import { modeOf, useTemporaryHome } from './temporary.ts';

describe('socketPath', () => {
  const temporary = useTemporaryHome();
  let short: string;
  let long: Home;

  beforeEach(async () => {
    short = await mkdtemp('/tmp/s-');
    vi.stubEnv('TMPDIR', short);
    long = await openHome({ PEER_HOME: join(temporary.folder, 'x'.repeat(100)) });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(short, { recursive: true });
  });

  test('it lies in the home where the path is short enough', () => {
    expect(socketPath(temporary.home)).toBe(join(temporary.home.folder, 'peer.sock'));
    expect(socketPath({ folder: `/${'x'.repeat(89)}` })).toBe(`/${'x'.repeat(89)}/peer.sock`);
  });

  test('bytes count, not characters', () => {
    expect(socketPath({ folder: `/${'ü'.repeat(50)}` })).toMatch(new RegExp(`^${short}/`));
  });

  test('a path too long is exchanged for one that can be listened on, in a private folder', async () => {
    const path = socketPath(long);
    expect(path.startsWith(`${short}/`)).toBe(true);
    expect(await modeOf(join(path, '..'))).toBe(0o700);
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    await new Promise((resolve) => server.close(resolve));
  });

  test('two homes have two sockets', async () => {
    const other = await openHome({ PEER_HOME: join(temporary.folder, 'y'.repeat(100)) });
    expect(socketPath(other)).not.toBe(socketPath(long));
  });

  test('a command with another temporary folder finds the same path', async () => {
    const path = socketPath(long);
    const elsewhere = await mkdtemp('/tmp/s-');
    vi.stubEnv('TMPDIR', elsewhere);
    expect(socketPath(long)).toBe(path);
    expect(await readdir(elsewhere)).toEqual([]);
    await rm(elsewhere, { recursive: true });
  });

  test('after the temporary folder was cleared it is made again', async () => {
    const path = socketPath(long);
    await rm(join(path, '..'), { recursive: true });
    expect(socketPath(long)).toBe(path);
    expect(await modeOf(join(path, '..'))).toBe(0o700);
  });

  test('a folder that others can enter, or a link, is refused', async () => {
    const folder = join(socketPath(long), '..');
    await chmod(folder, 0o755);
    const refusal = {
      code: 'no-socket',
      message: expect.stringMatching(/belongs to somebody else[^\n]*set PEER_HOME to a shorter/),
    };
    expect(() => socketPath(long)).toThrow(expect.objectContaining(refusal));
    await rm(folder, { recursive: true });
    await mkdir(join(short, 'trap'), { mode: 0o700 });
    await symlink(join(short, 'trap'), folder);
    expect(() => socketPath(long)).toThrow(expect.objectContaining(refusal));
  });

  test('where the temporary folder is too long as well: an error with the mend', async () => {
    const deep = join(temporary.folder, 'z'.repeat(100));
    await mkdir(deep);
    vi.stubEnv('TMPDIR', deep);
    expect(() => socketPath(long)).toThrow(expect.objectContaining({ code: 'no-socket' }));
  });

  test('a home that was never opened has a path too, and is not created', async () => {
    const never = locateHome({ PEER_HOME: join(temporary.folder, 'n'.repeat(100)) });
    expect(socketPath(never)).toMatch(new RegExp(`^${short}/`));
    expect(await readdir(temporary.folder)).not.toContain('n'.repeat(100));
  });
});
