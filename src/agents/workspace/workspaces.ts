import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fate } from '../../protocol/agent.ts';
import { type CommitId, shortTask, type TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import { unpackCheckpoint } from '../checkpoint/bundle.ts';
import { GitError, type GitRemote } from '../git.ts';
import { readRecord } from './attempt-record.ts';
import { cloneFor, folderIn, goOn } from './clone.ts';
import { type Identity, readVerified } from './commit.ts';
import { noDroppings } from './droppings.ts';
import { foldersIn, removeFolder } from './folders.ts';
import { cleanKept, keep } from './kept.ts';
import { usesLfs } from './lfs.ts';
import type { Mirror, Mirrors } from './mirror.ts';
import { fillSubmodules } from './submodules.ts';
import { hasUnsavedWork } from './unsaved.ts';
import { type Restored, Workspace } from './workspace.ts';

/** What an earlier attempt has saved. */
export interface Saved {
  /** A checkpoint's file. */
  readonly file: string;
  readonly base: CommitId;
  readonly commit: CommitId;
  /** It holds a session of the executor that is to go on. */
  readonly withSession: boolean;
}

export interface OpenRequest {
  readonly task: Task;
  readonly attempt: number;
  readonly remote: GitRemote;
  readonly identity: Identity;
  /** Null: from the repository alone. */
  readonly saved: Saved | null;
  readonly signal: AbortSignal;
}

export class Workspaces {
  readonly #folder: string;
  readonly #mirrors: Mirrors;
  readonly #fateOf: (task: TaskId) => Fate;

  constructor(home: string, mirrors: Mirrors, fateOf: (task: TaskId) => Fate) {
    this.#folder = join(home, 'work');
    this.#mirrors = mirrors;
    this.#fateOf = fateOf;
  }

  /**
   * Removes what a peer that was killed has left, but for work that is nowhere else. To be called before any attempt
   * begins.
   */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (name.startsWith('kept-')) continue;
      if (await this.#isWanted(name)) await keep(this.#folder, name);
      else await removeFolder(join(this.#folder, name));
    }
    await this.clean();
  }

  /** Removes what was kept of tasks that need it no more, or for too long. */
  clean(): Promise<void> {
    return cleanKept(this.#folder, (task) => this.#isSettled(task));
  }

  async #isWanted(name: string): Promise<boolean> {
    const root = join(this.#folder, name);
    const record = await readRecord(root);
    if (record === null || this.#isSettled(record.task)) return false;
    return hasUnsavedWork({ ...record, root, mirrorDir: this.#mirrors.named(record.mirror), droppings: noDroppings });
  }

  #isSettled(task: TaskId): boolean {
    return this.#fateOf(task) === 'settled';
  }

  /**
   * Makes an attempt's workspace, from what an earlier one has saved if there is that. Throws GitError and
   * WorkspaceError; nothing is left then.
   */
  async open(request: OpenRequest): Promise<Workspace> {
    const { task, attempt, remote, signal } = request;
    const mirror = await this.#mirrors.refresh(remote, task.body.base, signal);
    const name = `${shortTask(task.id)}-${attempt}`;
    const root = join(this.#folder, name);
    await removeFolder(root);
    try {
      const workspace = await this.#fill(root, mirror, request, () => keep(this.#folder, name));
      await workspace.writeRecord();
      return workspace;
    } catch (error) {
      await removeFolder(root);
      mirror.release();
      if (error instanceof GitError && error.code === 'failed') await this.#mirrors.discard(remote.url);
      throw error;
    }
  }

  async #fill(root: string, mirror: Mirror, request: OpenRequest, keep: () => Promise<string>): Promise<Workspace> {
    const { task, attempt, identity, remote, saved, signal } = request;
    const { clone, folder, sessionDir, savedDir } = foldersIn(root);
    await mkdir(root, { recursive: true, mode: 0o700 });
    for (const one of [folder, sessionDir]) await mkdir(one);
    const base = saved === null ? mirror.base : { ...mirror.base, commit: saved.base };
    const restored = saved === null ? null : await restore(root, mirror.dir, saved, signal);
    await cloneFor(clone, mirror.dir, base, request);
    if (saved !== null && saved.commit !== saved.base) await goOn(clone, savedDir, task, saved.commit, signal);
    const cwd = await folderIn(clone, task.body.path);
    const hasLfs = await usesLfs(mirror.dir, base.commit, signal);
    const parts = { gitDir: mirror.dir, commit: base.commit, remote, mirrors: this.#mirrors, clone, signal };
    const submodules = await fillSubmodules(parts);
    const start = saved?.commit ?? base.commit;
    const about = { task, attempt, identity, base, start, cwd, saved: restored };
    return new Workspace({ root, keep, mirror, submodules, usesLfs: hasLfs, ...about });
  }
}

async function restore(root: string, mirrorDir: string, saved: Saved, signal: AbortSignal): Promise<Restored> {
  const scratch = join(root, 'restored');
  await mkdir(scratch);
  const { savedDir: gitDir, sessionDir } = foldersIn(root);
  const unpacked = { ...saved, gitDir, mirrorDir, sessionDir: saved.withSession ? sessionDir : null, scratch, signal };
  const contents = await unpackCheckpoint(unpacked);
  return { ...contents, verified: await readVerified(saved.commit, { gitDir, signal }) };
}
