import { rm, writeFile } from 'node:fs/promises';

/**
 * Writes a file in a folder that an agent may have had to itself: what it has left in its place, a link to a file of
 * the person's perhaps, goes first. To be called while no process of the agent's runs.
 */
export async function writeFresh(path: string, text: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await writeFile(path, text, { flag: 'wx' });
}
