import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type CommitId, commitIdSchema, taskIdSchema } from '../../protocol/ids.ts';
import { GitError, type GitRemote, git } from '../git.ts';
import { parseVerified } from '../workspace/commit.ts';
import type { BranchTip, Push, Pushed } from './forge.ts';

/**
 * The branches of a remote, read and written by git alone: what every forge has in common, and what makes it a fence.
 * Everything throws GitError.
 */

const ref = (branch: string): string => `refs/heads/${branch}`;

/** The commit that the remote's branch is at. */
export async function commitAt(remote: GitRemote, branch: string, signal?: AbortSignal): Promise<CommitId | null> {
  const { stdout } = await git(['ls-remote', '--refs', '--', remote.url, ref(branch)], { remote, signal });
  // The argument is a pattern that also fits `refs/heads/other/refs/heads/<branch>`.
  const line = stdout.split('\n').find((one) => one.endsWith(`\t${ref(branch)}`));
  return line === undefined ? null : commitIdSchema.parse(line.slice(0, line.indexOf('\t')));
}

/**
 * Reads the tip together with its trailers, which takes the commit but not its files. `scratch`: a folder for what a
 * process that is killed leaves behind.
 */
export async function readTip(remote: GitRemote, branch: string, scratch: string): Promise<BranchTip | null> {
  const commit = await commitAt(remote, branch);
  if (commit === null) return null;
  const folder = await makeFolder(scratch);
  try {
    const gitDir = join(folder, 'tip.git');
    const format = `--object-format=${commit.length === 64 ? 'sha256' : 'sha1'}`;
    await git(['init', '--quiet', '--bare', '--template=', format, '--', gitDir]);
    const options = ['--quiet', '--depth=1', '--filter=tree:0', '--no-tags', '--no-recurse-submodules'];
    // By the branch's name: not every server gives a commit away by its id.
    await git(['fetch', ...options, '--', remote.url, `+${ref(branch)}:refs/tip`], { gitDir, remote });
    return await tipIn(gitDir);
  } catch (error) {
    if (error instanceof GitError && /couldn't find remote ref/i.test(error.stderr)) return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(scratch: string): Promise<string> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  return mkdtemp(join(scratch, 'branch-'));
}

const attemptSchema = z.string().regex(/^[1-9]\d{0,8}$/);

async function tipIn(gitDir: string): Promise<BranchTip> {
  const trailer = (key: string): string => `%(trailers:key=${key},valueonly,separator=%x0A)`;
  const format = `--format=%H%x00${trailer('Mesh-Task')}%x00${trailer('Mesh-Attempt')}%x00${trailer('Mesh-Verify')}`;
  const { stdout } = await git(['log', '-1', format, 'refs/tip'], { gitDir });
  const [commit, task, attempt, verified] = stdout.split('\0').map((values) => values.trim().split('\n').at(-1));
  const parsedAttempt = attemptSchema.safeParse(attempt);
  return {
    commit: commitIdSchema.parse(commit),
    task: taskIdSchema.safeParse(task).data ?? null,
    attempt: parsedAttempt.success ? Number(parsedAttempt.data) : null,
    verified: parseVerified(verified),
  };
}

const leased = (branch: string, expectedTip: CommitId | null): string =>
  `--force-with-lease=${ref(branch)}:${expectedTip ?? ''}`;

const pushOptions = ['push', '--quiet', '--no-verify', '--no-signed', '--no-follow-tags', '--recurse-submodules=no'];

/** I3: the server itself refuses the push when the branch is at another commit than expected. */
export async function pushBranch(remote: GitRemote, { gitDir, commit, branch, expectedTip }: Push): Promise<Pushed> {
  try {
    const args = [...pushOptions, leased(branch, expectedTip), '--', remote.url, `${commit}:${ref(branch)}`];
    await git(args, { gitDir, remote });
    return { type: 'pushed' };
  } catch (error) {
    if (!(error instanceof GitError && error.code === 'failed')) throw error;
    // Servers say "moved" in many ways. Where the branch is now says it in one.
    const tip = await commitAt(remote, branch);
    if (tip === commit) return { type: 'pushed' };
    if (tip !== expectedTip) return { type: 'moved' };
    throw error;
  }
}

/** Removes the branch if it is still at `commit`; false where it is not. */
export async function removeBranch(
  remote: GitRemote,
  branch: string,
  commit: CommitId,
  scratch: string,
): Promise<boolean> {
  // A push runs in some repository, even one that only deletes.
  const gitDir = await makeFolder(scratch);
  try {
    await git(['init', '--quiet', '--bare', '--template=', '--', gitDir]);
    await git([...pushOptions, leased(branch, commit), '--', remote.url, `:${ref(branch)}`], { gitDir, remote });
    return true;
  } catch (error) {
    if (!(error instanceof GitError && error.code === 'failed')) throw error;
    if ((await commitAt(remote, branch)) !== commit) return false;
    throw error;
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}
