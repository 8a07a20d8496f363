import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, commitIdSchema } from '../../protocol/ids.ts';
import { readPlainFile } from '../plain-file.ts';

/** The commit that the clone's HEAD names, read as a file; null where it names none. */
export async function readHead(clone: string): Promise<CommitId | null> {
  const gitDir = join(clone, '.git');
  if (!(await lstat(gitDir).catch(() => null))?.isDirectory()) return null;
  const head = (await read(join(gitDir, 'HEAD'))).trim();
  const ref = /^ref: (refs\/heads\/[\w./@+-]+)$/.exec(head)?.[1];
  if (ref === undefined) return commitOrNull(head);
  if (ref.split('/').includes('..')) return null;
  const loose = commitOrNull((await read(join(gitDir, ref))).trim());
  if (loose !== null) return loose;
  const packed = (await read(join(gitDir, 'packed-refs'))).split('\n').find((one) => one.endsWith(` ${ref}`));
  return commitOrNull(packed?.split(' ')[0] ?? '');
}

/** Far more than any HEAD or list of refs that matters. */
const maxRefBytes = 4 * 1024 * 1024;

const read = async (path: string): Promise<string> => (await readPlainFile(path, maxRefBytes)) ?? '';

function commitOrNull(text: string): CommitId | null {
  const parsed = commitIdSchema.safeParse(text);
  return parsed.success ? parsed.data : null;
}
