import { link, lstat, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WorkspaceError } from './errors.ts';

/** `5f`, and in it a loose object's file; or what lies in `pack`. */
const objectFolder = /^(?:[0-9a-f]{2}|pack)$/;
const objectFile = /^(?:[0-9a-f]{38}|[0-9a-f]{62}|pack-[0-9a-f]+\.(?:pack|idx))$/;

/**
 * Lets git read the objects of a repository that an agent could write, in which nothing runs any more: gives the variables for
 * it. Such a repository can say by its `alternates`, or by a link, that its objects are in another one, which the agent may be
 * kept from reading and the peer is not. So git is shown a folder of the peer's, in `scratch`, with the plain files of objects
 * alone. What is in them is still to be checked.
 *
 * @throws WorkspaceError `bad-result` where a link is in the place of one.
 */
export async function borrowObjects(gitDir: string, scratch: string): Promise<Record<string, string>> {
  const objects = join(gitDir, 'objects');
  const own = await mkdtemp(join(scratch, 'objects-'));
  for (const folder of [gitDir, objects]) await requireFolder(folder);
  for (const name of await readdir(objects)) {
    if (objectFolder.test(name)) await linkFiles(join(objects, name), join(own, name));
  }
  // Quoted, since the variable is a list with `:` between its parts.
  return { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(own) };
}

/** Both are in the attempt's folder, so on one disk. */
async function linkFiles(from: string, to: string): Promise<void> {
  await requireFolder(from);
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!objectFile.test(entry.name)) continue;
    if (!entry.isFile()) throw noPlain('file', join(from, entry.name));
    await link(join(from, entry.name), join(to, entry.name));
  }
}

async function requireFolder(path: string): Promise<void> {
  if (!(await lstat(path).catch(() => null))?.isDirectory()) throw noPlain('folder', path);
}

const noPlain = (what: 'file' | 'folder', path: string): WorkspaceError =>
  new WorkspaceError('bad-result', `the agent left something else where git has a plain ${what}: ${basename(path)}`);
