import { mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { execa } from 'execa';
import { type CommitId, shortTask } from '../protocol/ids.ts';
import { branchOf, type Task } from '../protocol/record.ts';
import { packCheckpoint, unpackCheckpoint, workRef } from './checkpoint/bundle.ts';
import { GitError, type GitRemote, git, redact } from './git.ts';
import { type Base, type Mirrors, WorkspaceError } from './mirror.ts';
import type { Places } from './sandbox/sandbox.ts';
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
  /** The executor's session: what an earlier attempt has left of it is here. */
  readonly sessionDir: string;
  /** Where the commit of `snapshot` is. */
  readonly publishDir: string;
  /** Of the checkpoint that this workspace was made from, as `Progress` has it; null where there was none. */
  readonly savedContent: string | null;
  readonly #clone: string;
  readonly #mirrorDir: string;
  readonly #root: string;

  constructor(root: string, cwd: string, base: Base, mirrorDir: string, savedContent: string | null) {
    this.#root = root;
    this.#clone = cloneIn(root);
    this.#mirrorDir = mirrorDir;
    this.base = base;
    this.cwd = cwd;
    this.savedContent = savedContent;
    this.folder = join(root, 'agent');
    this.publishDir = join(root, 'publish.git');
    this.sessionDir = placesIn(root).sessionDir;
  }

  /** The root of the agent's clone; `cwd` may be a folder of it. */
  get repository(): string {
    return this.#clone;
  }

  /** What belongs to this attempt, for a sandbox. */
  get places(): Places {
    return { writable: [this.#clone, this.folder, this.sessionDir], readable: [this.#mirrorDir] };
  }

  /** The agent's work as a commit in `publishDir`; null where it changed nothing. To be called once no process of the agent is left. */
  async snapshot(task: Task, attempt: number, identity: Identity, signal: AbortSignal): Promise<CommitId | null> {
    const scratch = join(this.#root, 'scratch');
    // The agent knew where they would be: a repository of its making there would have a configuration of its making.
    for (const folder of [scratch, this.publishDir]) await removeFolder(folder);
    await mkdir(scratch);
    return takeSnapshot({ ...this.#request(task, attempt, identity, signal), publishDir: this.publishDir, scratch });
  }

  #request(task: Task, attempt: number, identity: Identity, signal: AbortSignal) {
    return {
      clone: this.#clone,
      mirrorDir: this.#mirrorDir,
      base: this.base.commit,
      title: task.body.title,
      task: task.id,
      attempt,
      identity,
      signal,
    };
  }

  /**
   * The work and the session as they are at this moment, in a file of its own, while the agent may go on; or at `commit`,
   * which `snapshot` has made. Null where there is nothing to save.
   */
  async pack(saving: Saving, commit: CommitId | null, signal: AbortSignal): Promise<Progress | null> {
    const folder = await mkdtemp(join(this.#root, 'checkpoint-'));
    const discard = (): Promise<void> => removeFolder(folder);
    try {
      const packed = await this.#packIn(folder, saving, commit, signal);
      if (packed === null) await discard();
      return packed && { ...packed, discard };
    } catch (error) {
      await discard();
      throw error;
    }
  }

  async #packIn(folder: string, saving: Saving, commit: CommitId | null, signal: AbortSignal) {
    const { task, attempt, identity, sessionDir } = saving;
    const [scratch, file] = [join(folder, 'scratch'), join(folder, 'bundle')];
    await mkdir(scratch);
    const gitDir = commit === null ? join(folder, 'repository.git') : this.publishDir;
    const request = { ...this.#request(task, attempt, identity, signal), publishDir: gitDir, scratch };
    const base = this.base.commit;
    const work = commit ?? (await takeSnapshot(request)) ?? base;
    const packed = await packCheckpoint({ gitDir, base, commit: work, sessionDir, scratch, file, signal });
    return packed && { commit: work, file, ...packed };
  }

  async remove(): Promise<void> {
    await removeFolder(this.#root);
  }
}

/** What an earlier attempt has saved. */
export interface Saved {
  /** A checkpoint's file. */
  readonly file: string;
  readonly base: CommitId;
  readonly commit: CommitId;
  /** It holds a session of the executor that is to go on. */
  readonly withSession: boolean;
}

/** What is saved of an attempt. */
export interface Saving {
  readonly task: Task;
  readonly attempt: number;
  readonly identity: Identity;
  /** The executor's own files; null where it has no session. */
  readonly sessionDir: string | null;
}

export interface Progress {
  readonly commit: CommitId;
  /** To be taken away, before `discard`. */
  readonly file: string;
  readonly discard: () => Promise<void>;
  readonly hasSession: boolean;
  /** Equal where nothing has changed. */
  readonly content: string;
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

  /** Makes an attempt's workspace, from what an earlier one has saved if there is that. Throws GitError and WorkspaceError; nothing is left then. */
  async open(
    task: Task,
    attempt: number,
    remote: GitRemote,
    identity: Identity,
    signal: AbortSignal,
    saved: Saved | null = null,
  ): Promise<Workspace> {
    const mirror = await this.#mirrors.refresh(remote, task.body.base, signal);
    const root = join(this.#folder, `${shortTask(task.id)}-${attempt}`);
    await removeFolder(root);
    try {
      await mkdir(root, { recursive: true, mode: 0o700 });
      for (const name of ['agent', 'session', 'restored']) await mkdir(join(root, name));
      const base = saved === null ? mirror.base : { ...mirror.base, commit: saved.base };
      const content = saved === null ? null : await this.#unpack(saved, root, mirror.dir, signal);
      await cloneFor(cloneIn(root), mirror.dir, base, { task, remote, identity, signal });
      if (saved !== null && saved.commit !== saved.base) await goOn(root, task, saved.commit, signal);
      const cwd = await folderIn(cloneIn(root), task.body.path);
      return new Workspace(root, cwd, base, mirror.dir, content);
    } catch (error) {
      await removeFolder(root);
      if (error instanceof GitError && error.code === 'failed') await this.#mirrors.discard(remote.url);
      throw error;
    }
  }

  #unpack(saved: Saved, root: string, mirrorDir: string, signal: AbortSignal): Promise<string> {
    const places = placesIn(root);
    const sessionDir = saved.withSession ? places.sessionDir : null;
    return unpackCheckpoint({ ...saved, ...places, sessionDir, mirrorDir, signal });
  }
}

const cloneIn = (root: string): string => join(root, 'clone');

/** Where a checkpoint is unpacked. */
const placesIn = (root: string) => ({
  gitDir: join(root, 'saved.git'),
  sessionDir: join(root, 'session'),
  scratch: join(root, 'restored'),
});

/** Brings saved work into the clone, which no agent has touched yet: git may still run in it. */
async function goOn(root: string, task: Task, commit: CommitId, signal: AbortSignal): Promise<void> {
  const clone = cloneIn(root);
  const own = { cwd: clone, gitDir: join(clone, '.git'), signal };
  const quietly = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  await git(['fetch', ...quietly, '--', placesIn(root).gitDir, workRef], own);
  await git(['checkout', '--quiet', '--no-track', '-B', branchOf(task), commit], own);
}

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
