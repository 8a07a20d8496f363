import { access, constants, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';

/**
 * The first program of this name in the folders; null where none has it. A name that is a path is looked for there.
 * Relative folders are passed over: they are meant for wherever the program will be called.
 */
export async function programIn(folders: readonly string[], name: string): Promise<string | null> {
  for (const folder of folders.filter(isAbsolute)) {
    const file = resolve(folder, name);
    if (await isProgram(file)) return file;
  }
  return null;
}

/** Whether it is a file that may be run here. */
export async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
