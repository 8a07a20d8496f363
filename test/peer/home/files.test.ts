import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAtomically, readIfThere, readSecret, writeAtomically } from '../../../src/peer/home/files.ts';
import { modeOf, useTemporaryHome } from './temporary.ts';

describe('files of the home', () => {
  const temporary = useTemporaryHome();
  const path = (name = 'file'): string => join(temporary.folder, name);

  test('writing replaces the whole, 0600, and leaves nothing beside it', async () => {
    await writeFile(path(), 'something longer than what follows');
    await writeAtomically(path(), 'new');
    expect(await readFile(path(), 'utf8')).toBe('new');
    expect(await modeOf(path())).toBe(0o600);
    expect((await readdir(temporary.folder)).sort()).toEqual(['file', 'home']);
  });

  test('of many that create a file one wins, and its text stays', async () => {
    const texts = Array.from({ length: 20 }, (_, number) => `text ${number}`);
    const won = await Promise.all(texts.map((text) => createAtomically(path(), text)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path(), 'utf8')).toBe(texts[won.indexOf(true)]);
    expect((await readdir(temporary.folder)).sort()).toEqual(['file', 'home']);
  });

  test('a file that cannot be written is named', async () => {
    await mkdir(path());
    await writeFile(join(path(), 'inside'), '');
    await expect(writeAtomically(path(), 'x')).rejects.toMatchObject({ code: 'not-writable', subject: path() });
    await expect(createAtomically(path('no/such'), 'x')).rejects.toMatchObject({ code: 'not-writable' });
    expect((await readdir(temporary.folder)).sort()).toEqual(['file', 'home']);
  });

  test('no file is null; what is no file is an error that names it', async () => {
    expect(await readIfThere(path())).toBeNull();
    expect(await readSecret(path())).toBeNull();
    await mkdir(path());
    await expect(readIfThere(path())).rejects.toMatchObject({ code: 'not-readable', subject: path() });
    await rm(path(), { recursive: true });
  });

  test('a secret that others can read is closed to them', async () => {
    await writeFile(path(), 'secret');
    await chmod(path(), 0o644);
    expect(await readSecret(path())).toBe('secret');
    expect(await modeOf(path())).toBe(0o600);
  });
});
