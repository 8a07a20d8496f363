import { rm } from 'node:fs/promises';
import { execa } from 'execa';

/** Removes whatever is there, if anything is. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    // Folders without write permission are ordinary (caches of modules), and in the way.
    await execa('chmod', ['-R', 'u+rwx', '--', path], { reject: false });
    await rm(path, { recursive: true, force: true });
  }
}
