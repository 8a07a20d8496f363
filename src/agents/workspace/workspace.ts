import { mkdir, mkdtemp, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { Task } from '../../protocol/record.ts';
import { commitSession, type Packed, packCheckpoint } from '../checkpoint/bundle.ts';
import { oneLine } from '../lines.ts';
import type { Places } from '../sandbox/sandbox.ts';
import { writeRecord } from './attempt-record.ts';
import { readHead } from './clone-head.ts';
import type { Identity } from './commit.ts';
import { noDroppings } from './droppings.ts';
import { foldersIn, removeFolder } from './folders.ts';
import { refuseLfsChanges } from './lfs.ts';
import type { Base, Borrowed } from './mirror.ts';
import { newSince, retake, type SnapshotRequest, takeSnapshot } from './snapshot.ts';
import type { Submodules } from './submodules.ts';
import { hasUnsavedWork } from './unsaved.ts';

export interface WorkspaceParts {
  readonly root: string;
  /** Puts the folder by instead of removing it; gives where it is then. */
  readonly keep: () => Promise<string>;
  readonly task: Task;
  readonly attempt: number;
  readonly identity: Identity;
  readonly base: Base;
  readonly mirror: Borrowed;
  readonly submodules: Submodules;
  readonly usesLfs: boolean;
  /** Where the agent begins: at the base, or at what an earlier attempt has saved. */
  readonly start: CommitId;
  /** The agent's working folder. */
  readonly cwd: string;
  /** Null where the attempt starts afresh. */
  readonly saved: Restored | null;
}

/** What a workspace has been made from, beside the repository. */
export interface Restored {
  /** As `Progress` has them. */
  readonly content: string;
  readonly tree: string;
  readonly verified: boolean | null;
}

/**
 * One attempt's place: its folder has the agent's clone, the executor's files, and, once the agent has ended, the bare
 * repository that its work is pushed from.
 */
export class Workspace {
  readonly base: Base;
  readonly start: CommitId;
  /** The root of the agent's clone; `cwd` may be a folder of it. */
  readonly clone: string;
  readonly cwd: string;
  readonly folder: string;
  readonly sessionDir: string;
  readonly publishDir: string;
  readonly saved: Restored | null;
  readonly #parts: WorkspaceParts;
  #droppings = noDroppings;
  #savedTree: string | null;

  constructor(parts: WorkspaceParts) {
    const { clone, folder, sessionDir, publishDir } = foldersIn(parts.root);
    this.#parts = parts;
    this.base = parts.base;
    this.start = parts.start;
    this.clone = clone;
    this.cwd = parts.cwd;
    this.folder = folder;
    this.sessionDir = sessionDir;
    this.publishDir = publishDir;
    this.saved = parts.saved;
    this.#savedTree = parts.saved?.tree ?? null;
  }

  /** The agent's last commit, as far as it can be read. */
  head(): Promise<CommitId | null> {
    return readHead(this.clone);
  }

  /** What belongs to this attempt, for a sandbox. */
  get places(): Places {
    const mirrors = [this.#parts.mirror, ...this.#parts.submodules.mirrors];
    return {
      writable: [this.clone, this.folder, this.sessionDir],
      readable: mirrors.map(({ dir }) => dir),
      own: join(this.#parts.root, 'sandbox'),
    };
  }

  /** What an agent could not know of its clone, one sentence each. */
  get notes(): readonly string[] {
    const { submodules, usesLfs } = this.#parts;
    const lfs = 'Files in Git LFS are only pointers here. Leave them as they are: a change to one cannot be published.';
    const notes = [
      ...submodules.present.map((path) => `\`${path}\` is a submodule: read it, but changes in it are not published.`),
      ...submodules.missing.map(({ path, reason }) => `The submodule \`${path}\` is not here: ${reason}.`),
      ...(usesLfs ? [lfs] : []),
    ];
    return notes.map((note) => oneLine(note, 500));
  }

  /**
   * The agent's work as a commit in `publishDir`; null where it changed nothing. To be called once no process of the agent is
   * left. `verified` is said by the commit.
   */
  async snapshot(signal: AbortSignal, verified: boolean | null = null): Promise<CommitId | null> {
    // The agent knew where it would be: a repository of its making there would have a configuration of its making.
    await removeFolder(this.publishDir);
    return this.#within('snapshot-', async (scratch) => {
      const { publishDir: gitDir } = this;
      const commit = await takeSnapshot({ ...this.#request(scratch, signal), publishDir: gitDir, verified });
      if (commit !== null) await refuseLfsChanges({ gitDir, base: this.base.commit, commit, scratch, signal });
      return commit;
    });
  }

  /** What has changed in the clone since `snapshot` made the commit is none of the agent's doing. */
  async leaveOutSince(commit: CommitId, signal: AbortSignal): Promise<void> {
    this.#droppings = await this.#within('new-', (scratch) =>
      newSince(this.#request(scratch, signal), commit, this.publishDir, foldersIn(this.#parts.root).before),
    );
  }

  /** The commit again, saying whether it was verified: what ran for that may have written to `publishDir`, which is made anew. */
  async retake(commit: CommitId, verified: boolean, signal: AbortSignal): Promise<CommitId> {
    return this.#within('retake-', async (scratch) => {
      const from = join(scratch, 'from.git');
      await rename(this.publishDir, from);
      const request = { ...this.#request(scratch, signal), publishDir: this.publishDir, verified };
      return retake(request, commit, from);
    });
  }

  /**
   * The work and the session as they are at this moment, in a file of its own, while the agent may go on; or at `commit`,
   * which `snapshot` has made. Null where there is nothing to save.
   */
  async pack(saving: Saving, signal: AbortSignal): Promise<Progress | null> {
    const folder = await mkdtemp(join(this.#parts.root, 'checkpoint-'));
    const discard = (): Promise<void> => removeFolder(folder);
    try {
      const packed = await this.#packIn(folder, saving, signal);
      if (packed === null) await discard();
      return packed && { ...packed, discard };
    } catch (error) {
      await discard();
      throw error;
    }
  }

  async #packIn(folder: string, { hasSession, commit, whileStill }: Saving, signal: AbortSignal) {
    const [scratch, file] = [join(folder, 'scratch'), join(folder, 'bundle')];
    await mkdir(scratch);
    const request = this.#request(scratch, signal);
    const gitDir = commit === null ? request.publishDir : this.publishDir;
    const base = this.base.commit;
    const { session, work } = await whileStill(async () => ({
      session: hasSession ? await commitSession({ gitDir, base, sessionDir: this.sessionDir, scratch, signal }) : null,
      work: commit ?? (await takeSnapshot(request)) ?? base,
    }));
    const maxBytes = Limits.checkpoint;
    const packed = await packCheckpoint({ gitDir, base, commit: work, session, file, maxBytes, signal });
    return packed && { commit: work, file, ...packed };
  }

  /** With a repository in `scratch`, unless it is said to be elsewhere. */
  #request(scratch: string, signal: AbortSignal): SnapshotRequest {
    const { task, attempt, identity, mirror, base } = this.#parts;
    return {
      clone: this.clone,
      mirrorDir: mirror.dir,
      publishDir: join(scratch, 'repository.git'),
      scratch,
      base: base.commit,
      title: task.body.title,
      task: task.id,
      attempt,
      verified: null,
      identity,
      droppings: this.#droppings,
      signal,
    };
  }

  /** In a folder for the while, of a name that the agent could not know. */
  async #within<T>(name: string, action: (scratch: string) => Promise<T>): Promise<T> {
    const scratch = await mkdtemp(join(this.#parts.root, name));
    try {
      return await action(scratch);
    } finally {
      await removeFolder(scratch);
    }
  }

  /** The work has been saved elsewhere, as far as it had come. */
  async noteSaved({ tree }: Pick<Progress, 'tree'>): Promise<void> {
    this.#savedTree = tree;
    await this.writeRecord();
  }

  /** For a later process that finds the folder. */
  async writeRecord(): Promise<void> {
    const { root, task, base, mirror } = this.#parts;
    const record = { task: task.id, base: base.commit, mirror: basename(mirror.dir), saved: this.#savedTree };
    await writeRecord(root, record);
  }

  /** Removes it, unless it holds work that is nowhere else: then it is put by, and where is told. `isUnwanted`: whatever it holds. */
  async close(isUnwanted: boolean): Promise<string | null> {
    const { root, keep, mirror, submodules } = this.#parts;
    try {
      if (!isUnwanted && (await this.#hasUnsavedWork())) return await keep();
      await removeFolder(root);
      return null;
    } finally {
      for (const { release } of [mirror, ...submodules.mirrors]) release();
    }
  }

  #hasUnsavedWork(): Promise<boolean> {
    const { root, base, mirror } = this.#parts;
    const work = { root, base: base.commit, mirrorDir: mirror.dir, saved: this.#savedTree, droppings: this.#droppings };
    return hasUnsavedWork(work);
  }
}

/** What is to be saved of an attempt. */
export interface Saving {
  /** The executor keeps a session. */
  readonly hasSession: boolean;
  /** Null: the work as it is now. */
  readonly commit: CommitId | null;
  /** Runs what reads the agent's folders while nothing of the agent's moves. */
  readonly whileStill: <T>(read: () => Promise<T>) => Promise<T>;
}

export interface Progress extends Packed {
  readonly commit: CommitId;
  /** To be taken away, before `discard`. */
  readonly file: string;
  readonly discard: () => Promise<void>;
}
