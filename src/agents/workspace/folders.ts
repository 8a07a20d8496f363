import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The folders of an attempt, below `work/<task>-<attempt>`. */
export const foldersIn = (root: string) => ({
  /** The agent's. */
  clone: join(root, 'clone'),
  /** For the executor. */
  folder: join(root, 'agent'),
  /** The executor's session: what an earlier attempt has left of it is here. */
  sessionDir: join(root, 'session'),
  /** Where the commit of `snapshot` is. */
  publishDir: join(root, 'publish.git'),
  /** What the names of files begin with that hold what verify has changed. */
  before: join(root, 'before'),
  /** Where a checkpoint is unpacked. */
  savedDir: join(root, 'saved.git'),
});

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
