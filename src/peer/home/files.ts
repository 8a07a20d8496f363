import { randomUUID } from 'node:crypto';
import { chmod, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HomeError } from './errors.ts';

/**
 * Replaces the file as a whole: after a crash it holds the old text or the new, never a part. Mode 0600.
 * @throws HomeError `not-writable`.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  await viaTemporary(path, text, (temporary) => rename(temporary, path));
}

/**
 * Creates the file as a whole, or returns false where there is one: of two processes that try, one wins. Mode 0600.
 * @throws HomeError `not-writable`.
 */
export async function createAtomically(path: string, text: string): Promise<boolean> {
  try {
    await viaTemporary(path, text, (temporary) => link(temporary, path));
    return true;
  } catch (error) {
    if (error instanceof HomeError && codeOf(error.cause) === 'EEXIST') return false;
    throw error;
  }
}

async function viaTemporary(path: string, text: string, put: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await put(temporary);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw new HomeError('not-writable', path, `${path} cannot be written: ${messageOf(cause)}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Makes new names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * The text, or null where there is no such file.
 * @throws HomeError `not-readable`.
 */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null;
    const message = `${path} cannot be read (${messageOf(cause)}): make it a file that you own`;
    throw new HomeError('not-readable', path, message, { cause });
  }
}

/**
 * Reads a file with a key in it, and closes it to other users first (it may have been copied here by hand). Where the
 * file system knows no permissions that has no effect, and is no reason to refuse.
 */
export async function readSecret(path: string): Promise<string | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600).catch(() => {});
  return text;
}

export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
