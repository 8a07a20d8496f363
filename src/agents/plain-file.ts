import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The text of a file that anybody may have made; null where there is no plain file of at most `maxBytes`. A pipe in its
 * place would never end, and a link would lead elsewhere.
 */
export async function readPlainFile(path: string, maxBytes: number): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return null;
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await file.readFile('utf8') : null;
  } finally {
    await file.close();
  }
}
