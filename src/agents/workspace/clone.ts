import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import { branchOf, type Task } from '../../protocol/record.ts';
import { workRef } from '../checkpoint/bundle.ts';
import { type GitRemote, git, redact } from '../git.ts';
import type { Identity } from './commit.ts';
import { WorkspaceError } from './errors.ts';
import { withoutLfs } from './lfs.ts';
import type { Base } from './mirror.ts';

/** Brings saved work into the clone, which no agent has touched yet: git may still run in it. */
export async function goOn(clone: string, savedDir: string, task: Task, commit: CommitId, signal: AbortSignal) {
  const own = { cwd: clone, gitDir: join(clone, '.git'), signal };
  const quietly = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  await git(['fetch', ...quietly, '--', savedDir, workRef], own);
  await git(['checkout', '--quiet', '--no-track', '-B', branchOf(task), commit], own);
}

export interface CloneFor {
  readonly task: Task;
  readonly remote: GitRemote;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/**
 * `--shared` borrows the mirror's objects by their path and copies none. The usual local clone would be as fast, but
 * its hard links are the mirror's own files: an agent that writes to an object in its clone would change every later
 * clone.
 */
export async function cloneFor(
  clone: string,
  mirrorDir: string,
  base: Base,
  { task, remote, identity, signal }: CloneFor,
) {
  await git(['clone', '--quiet', '--shared', '--no-checkout', '--template=', '--', mirrorDir, clone], { signal });
  const own = { cwd: clone, gitDir: join(clone, '.git'), signal };
  const settings = {
    'remote.origin.url': redact(remote.url),
    // Only the peer publishes, when the mesh has granted it.
    'remote.origin.pushurl': 'pushing-is-done-by-the-peer',
    'user.name': identity.name,
    'user.email': identity.email,
    'commit.gpgSign': 'false',
    ...withoutLfs,
  };
  for (const [key, value] of Object.entries(settings)) await git(['config', key, value], own);
  await git(['checkout', '--quiet', '--no-track', '-B', branchOf(task), base.commit], own);
}

/** The task's folder of a monorepo. A link that leads out of the clone is no such folder. */
export async function folderIn(clone: string, path: string | null): Promise<string> {
  if (path === null) return clone;
  const root = await realpath(clone);
  const folder = await realpath(join(root, path)).catch(() => null);
  const isInside = folder !== null && (folder === root || folder.startsWith(root + sep));
  if (folder === null || !isInside || !(await stat(folder)).isDirectory()) {
    throw new WorkspaceError('no-such-folder', `the repository has no folder \`${path}\``);
  }
  return folder;
}
