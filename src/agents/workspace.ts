import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { execa } from 'execa';
import { type CommitId, shortTask } from '../protocol/ids.ts';
import { branchOf, type Task } from '../protocol/record.ts';
import { GitError, type GitRemote, git, redact } from './git.ts';
import { type Base, type Mirrors, WorkspaceError } from './mirror.ts';
import { type Identity, takeSnapshot } from './snapshot.ts';

/**
 * One attempt's place: `work/<task>-<attempt>` with the agent's clone, the executor's files, and, once the agent has ended,
 * the bare repository that its work is pushed from.
 */
export class Workspace {
  readonly base: Base;
  /** The agent's working folder. */
  readonly cwd: string;
  /** For the executor. */
  readonly folder: string;
  /** Where the commit of `snapshot` is. */
  readonly publishDir: string;
  readonly #clone: string;
  readonly #mirrorDir: string;
  readonly #root: string;

  constructor(root: string, cwd: string, base: Base, mirrorDir: string) {
    this.#root = root;
    this.#clone = cloneIn(root);
    this.#mirrorDir = mirrorDir;
    this.base = base;
    this.cwd = cwd;
    this.folder = join(root, 'agent');
    this.publishDir = join(root, 'publish.git');
  }

  /** The agent's work as a commit in `publishDir`; null where it changed nothing. To be called once no process of the agent is left. */
  async snapshot(task: Task, attempt: number, identity: Identity, signal: AbortSignal): Promise<CommitId | null> {
    const scratch = join(this.#root, 'scratch');
    // The agent knew where they would be: a repository of its making there would have a configuration of its making.
    for (const folder of [scratch, this.publishDir]) await removeFolder(folder);
    await mkdir(scratch);
    return takeSnapshot({
      clone: this.#clone,
      publishDir: this.publishDir,
      mirrorDir: this.#mirrorDir,
      scratch,
      base: this.base.commit,
      title: task.body.title,
      task: task.id,
      attempt,
      identity,
      signal,
    });
  }

  async remove(): Promise<void> {
    await removeFolder(this.#root);
  }
}

export class Workspaces {
  readonly #folder: string;
  readonly #mirrors: Mirrors;

  constructor(home: string, mirrors: Mirrors) {
    this.#folder = join(home, 'work');
    this.#mirrors = mirrors;
  }

  /** Removes what a peer that was killed has left. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) await removeFolder(join(this.#folder, name));
  }

  /** Makes an attempt's workspace. Throws GitError and WorkspaceError; nothing is left then. */
  async open(
    task: Task,
    attempt: number,
    remote: GitRemote,
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Workspace> {
    const mirror = await this.#mirrors.refresh(remote, task.body.base, signal);
    const root = join(this.#folder, `${shortTask(task.id)}-${attempt}`);
    await removeFolder(root);
    try {
      await mkdir(join(root, 'agent'), { recursive: true, mode: 0o700 });
      await cloneFor(cloneIn(root), mirror.dir, mirror.base, { task, remote, identity, signal });
      const cwd = await folderIn(cloneIn(root), task.body.path);
      return new Workspace(root, cwd, mirror.base, mirror.dir);
    } catch (error) {
      await removeFolder(root);
      if (error instanceof GitError && error.code === 'failed') await this.#mirrors.discard(remote.url);
      throw error;
    }
  }
}

const cloneIn = (root: string): string => join(root, 'clone');

interface CloneFor {
  readonly task: Task;
  readonly remote: GitRemote;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/**
 * `--shared` borrows the mirror's objects by their path and copies none. The usual local clone would be as fast, but its hard
 * links are the mirror's own files: an agent that writes to an object in its clone would change every later clone.
 */
async function cloneFor(clone: string, mirrorDir: string, base: Base, { task, remote, identity, signal }: CloneFor) {
  await git(['clone', '--quiet', '--shared', '--no-checkout', '--template=', '--', mirrorDir, clone], { signal });
  const own = { cwd: clone, gitDir: join(clone, '.git'), signal };
  const settings = {
    'remote.origin.url': redact(remote.url),
    // Only the peer publishes, when the mesh has granted it.
    'remote.origin.pushurl': 'pushing-is-done-by-the-peer',
    'user.name': identity.name,
    'user.email': identity.email,
    'commit.gpgSign': 'false',
  };
  for (const [key, value] of Object.entries(settings)) await git(['config', key, value], own);
  await git(['checkout', '--quiet', '--no-track', '-B', branchOf(task), base.commit], own);
}

/** The task's folder of a monorepo. A link that leads out of the clone is no such folder. */
async function folderIn(clone: string, path: string | null): Promise<string> {
  if (path === null) return clone;
  const root = await realpath(clone);
  const folder = await realpath(join(root, path)).catch(() => null);
  const isInside = folder !== null && (folder === root || folder.startsWith(root + sep));
  if (folder === null || !isInside || !(await stat(folder)).isDirectory()) {
    throw new WorkspaceError('no-such-folder', `the repository has no folder \`${path}\``);
  }
  return folder;
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    // Folders without write permission are ordinary (caches of modules), and in the way.
    await execa('chmod', ['-R', 'u+rwx', '--', path], { reject: false });
    await rm(path, { recursive: true, force: true });
  }
}
