import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openHome } from '../../../src/peer/home/home.ts';
import { inviteCode, parseJoinCode } from '../../../src/peer/home/join-code.ts';
import { initMesh, joinMesh, loadMesh, meshId } from '../../../src/peer/home/mesh.ts';
import { modeOf, useTemporaryHome } from './temporary.ts';

const hex = (key: Uint8Array | undefined): string => Buffer.from(key ?? []).toString('hex');

describe('the mesh of a home', () => {
  const temporary = useTemporaryHome();
  const otherHome = () => openHome({ PEER_HOME: join(temporary.folder, 'other') });

  test('none at first', async () => {
    expect(await loadMesh(temporary.home, {})).toBeNull();
  });

  test('init makes one with a key of its own, kept in a 0600 file', async () => {
    const mesh = await initMesh(temporary.home, { name: 'cellar' });
    const loaded = await loadMesh(temporary.home, {});
    expect(loaded?.name).toBe('cellar');
    expect(hex(loaded?.key)).toBe(hex(mesh.key));
    expect(mesh.key).toHaveLength(32);
    expect(await modeOf(temporary.home.mesh)).toBe(0o600);
    expect(hex((await initMesh(await otherHome())).key)).not.toBe(hex(mesh.key));
  });

  test('init gives a name where none is given, and refuses one that is none', async () => {
    await expect(initMesh(temporary.home, { name: '' })).rejects.toMatchObject({ code: 'bad-mesh' });
    await expect(initMesh(temporary.home, { name: 'x'.repeat(101) })).rejects.toMatchObject({ code: 'bad-mesh' });
    expect((await initMesh(temporary.home)).name).not.toBe('');
  });

  test('init overwrites nothing', async () => {
    await initMesh(temporary.home, { name: 'first' });
    const before = await readFile(temporary.home.mesh, 'utf8');
    const message = expect.stringMatching(
      /^this PC is in the mesh first already[^\n]*peer invite[^\n]*mesh\.json away$/,
    );
    await expect(initMesh(temporary.home, { name: 'second' })).rejects.toMatchObject({ code: 'mesh-exists', message });
    expect(await readFile(temporary.home.mesh, 'utf8')).toBe(before);
  });

  test('join enters the mesh of the code', async () => {
    const mesh = await initMesh(temporary.home, { name: 'cellar' });
    const other = await otherHome();
    const { already } = await joinMesh(other, inviteCode(mesh, ['/ip4/10.0.0.7/tcp/1']));
    expect(already).toBe(false);
    const loaded = await loadMesh(other, {});
    expect(loaded).toMatchObject({ name: 'cellar', addresses: ['/ip4/10.0.0.7/tcp/1'] });
    expect(hex(loaded?.key)).toBe(hex(mesh.key));
    expect(await modeOf(other.mesh)).toBe(0o600);
  });

  test('joining the same mesh again changes nothing but adds addresses, the new ones first', async () => {
    const mesh = await initMesh(temporary.home, { name: 'cellar' });
    for (const address of ['/a', '/b', '/a']) {
      expect(await joinMesh(temporary.home, inviteCode(mesh, [address]))).toMatchObject({ already: true });
    }
    const loaded = await loadMesh(temporary.home, {});
    expect(loaded).toMatchObject({ name: 'cellar', addresses: ['/a', '/b'] });
    expect(hex(loaded?.key)).toBe(hex(mesh.key));
  });

  test('joining another mesh is refused with the mend', async () => {
    const other = await initMesh(await otherHome(), { name: 'attic' });
    await initMesh(temporary.home, { name: 'cellar' });
    const before = await readFile(temporary.home.mesh, 'utf8');
    const message = expect.stringMatching(/another mesh, cellar: to leave it for attic,[^\n]*mesh\.json away first$/);
    const joining = joinMesh(temporary.home, inviteCode(other));
    await expect(joining).rejects.toMatchObject({ code: 'other-mesh', message });
    expect(await readFile(temporary.home.mesh, 'utf8')).toBe(before);
  });

  test('a code with a slip joins nothing', async () => {
    const code = inviteCode(await initMesh(await otherHome()));
    await expect(joinMesh(temporary.home, code.slice(0, -2))).rejects.toMatchObject({ code: 'bad-join-code' });
    expect(await loadMesh(temporary.home, {})).toBeNull();
  });

  const key = 'ab'.repeat(32);
  test.each([
    ['no JSON', `{"version":1,"name":"x","key": ${key}}`, 'is not JSON'],
    ['an empty file', '', 'is not JSON'],
    ['a short key', JSON.stringify({ version: 1, name: 'x', key: key.slice(2) }), ': key: 64 hex digits expected'],
    ['no name', JSON.stringify({ version: 1, key }), ': name: a name of'],
    ['a newer version', JSON.stringify({ version: 2, name: 'x', key }), ': version: the version 1 expected'],
  ])('%s in mesh.json: the file, the field, the mend, and never the key', async (_, text, part) => {
    await writeFile(temporary.home.mesh, text);
    const error = await loadMesh(temporary.home, {}).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'bad-mesh', subject: temporary.home.mesh });
    const { message } = error as Error;
    expect(message).toContain(`${temporary.home.mesh}${part.startsWith(':') ? '' : ' '}${part}`);
    expect(message).toMatch(/peer join CODE/);
    expect(message).not.toMatch(/\n/);
    expect(message).not.toContain('abab');
  });
});

describe('PEER_MESH_KEY', () => {
  const temporary = useTemporaryHome();
  const key = 'ab'.repeat(32);

  test('counts more than mesh.json, with a name that is the same on every PC', async () => {
    await initMesh(temporary.home, { name: 'cellar' });
    const mesh = await loadMesh(temporary.home, { PEER_MESH_KEY: key });
    expect(hex(mesh?.key)).toBe(key);
    expect(mesh?.name).toMatch(/^mesh-[0-9a-f]{4}$/);
    expect((await loadMesh(temporary.home, { PEER_MESH_KEY: `${key.toUpperCase()}\n` }))?.name).toBe(mesh?.name);
  });

  test('the key that mesh.json has: its name too', async () => {
    const { key: kept } = await initMesh(temporary.home, { name: 'cellar' });
    expect((await loadMesh(temporary.home, { PEER_MESH_KEY: hex(kept) }))?.name).toBe('cellar');
  });

  test('an empty one is none', async () => {
    expect(await loadMesh(temporary.home, { PEER_MESH_KEY: '' })).toBeNull();
  });

  test.each([key.slice(1), `${key}0`, `${key.slice(1)}g`, '0x12', ' '])(
    '%s is refused without being repeated',
    async (value) => {
      const error = await loadMesh(temporary.home, { PEER_MESH_KEY: value }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'bad-mesh-key', subject: 'PEER_MESH_KEY' });
      expect((error as Error).message).toMatch(/^PEER_MESH_KEY must be 64 hex digits[^\n]*unset it$/);
      expect((error as Error).message).not.toContain('abab');
    },
  );
});

describe('meshId', () => {
  test('is short, the same for one key, another for another, and gives nothing of the key', () => {
    const key = Buffer.alloc(32, 1);
    expect(meshId(key)).toMatch(/^[0-9a-f]{16}$/);
    expect(meshId(key)).toBe(meshId(parseJoinCode(inviteCode({ name: 'x', key, addresses: [] })).key));
    expect(meshId(key)).not.toBe(meshId(Buffer.alloc(32, 2)));
    expect(key.toString('hex')).not.toContain(meshId(key));
  });
});
