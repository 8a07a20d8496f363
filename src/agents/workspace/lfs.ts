import { join } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import { GitError, type GitOptions, git } from '../git.ts';
import { WorkspaceError } from './errors.ts';

/**
 * Files in Git LFS are pointers in a commit, and in an agent's clone as well: nothing is fetched for it. A change to
 * one would be pushed as a plain file, which breaks it for everybody else; so it is refused.
 */

/** For the agent's own git, which may have been set up for LFS: a pointer stays what it is. */
export const withoutLfs = {
  'filter.lfs.process': '',
  'filter.lfs.smudge': '',
  'filter.lfs.clean': '',
  'filter.lfs.required': 'false',
} as const;

/** Whether the commit keeps any of its files there. */
export async function usesLfs(gitDir: string, commit: CommitId, signal: AbortSignal): Promise<boolean> {
  try {
    await git(['grep', '--quiet', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes'], { gitDir, signal });
    return true;
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return false;
    throw error;
  }
}

export interface LfsCheck {
  readonly gitDir: string;
  readonly base: CommitId;
  readonly commit: CommitId;
  /** A folder of the peer's, for an index. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * @throws WorkspaceError `lfs-change` where the commit has another content for such a file; one that was moved is as it
 * was.
 */
export async function refuseLfsChanges(check: LfsCheck): Promise<void> {
  const changed = await changedFiles(check);
  if (changed.size === 0) return;
  const inLfs = await filesInLfs(check, [...changed.keys()]);
  if (inLfs.length === 0) return;
  const known = await blobsOf(check);
  const written = inLfs.find((path) => !known.has(changed.get(path) ?? ''));
  if (written === undefined) return;
  throw new WorkspaceError('lfs-change', `\`${written}\` is kept in Git LFS, which can be read here and not written`);
}

/** Path → object id of what the commit adds or changes. */
async function changedFiles({ gitDir, base, commit, signal }: LfsCheck): Promise<ReadonlyMap<string, string>> {
  const options = ['-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--diff-filter=AM'];
  const { stdout } = await git(['diff-tree', ...options, base, commit], { gitDir, signal });
  const fields = stdout.split('\0');
  // `:100644 100644 <old> <new> M`, then the path.
  return new Map(fields.flatMap((path, i) => (i % 2 === 1 ? [[path, fields[i - 1]?.split(' ')[3] ?? '']] : [])));
}

async function filesInLfs({ gitDir, commit, scratch, signal }: LfsCheck, paths: readonly string[]) {
  const options: GitOptions = { gitDir, signal, env: { GIT_INDEX_FILE: join(scratch, 'attributes-index') } };
  await git(['read-tree', commit], options);
  const input = paths.map((path) => `${path}\0`).join('');
  const { stdout } = await git(['check-attr', '--cached', '-z', '--stdin', 'filter'], { ...options, input });
  const fields = stdout.split('\0');
  return fields.filter((_, i) => i % 3 === 0 && fields[i + 2] === 'lfs');
}

async function blobsOf({ gitDir, base, signal }: LfsCheck): Promise<ReadonlySet<string>> {
  const { stdout } = await git(['ls-tree', '-r', '-z', base], { gitDir, signal });
  return new Set(stdout.split('\0').map((entry) => entry.split(/[ \t]/, 3)[2] ?? ''));
}
