import { join } from 'node:path';
import { type CommitId, commitIdSchema, type TaskId } from '../../../src/protocol/ids.ts';
import { git } from '../../support/repository.ts';

export const taskOf = (digit: string): TaskId => digit.repeat(64) as TaskId;

/** The bare repository of a peer that commits are pushed from. */
export class Publisher {
  readonly gitDir: string;
  readonly #base: string;
  #count = 0;

  constructor(origin: string, folder: string) {
    this.gitDir = join(folder, 'publish.git');
    git(folder, 'clone', '--quiet', '--bare', origin, this.gitDir);
    this.#base = git(this.gitDir, 'rev-parse', 'HEAD');
  }

  /** A new commit on the base; `trailers` end its message. */
  commit(...trailers: readonly string[]): CommitId {
    this.#count += 1;
    const message = ['-m', `Change ${this.#count}`, ...(trailers.length === 0 ? [] : ['-m', trailers.join('\n')])];
    return commitIdSchema.parse(git(this.gitDir, 'commit-tree', `${this.#base}^{tree}`, '-p', this.#base, ...message));
  }

  /** A commit as a worker makes it. */
  ours(task: TaskId, attempt: number): CommitId {
    return this.commit(`Mesh-Task: ${task}`, `Mesh-Attempt: ${attempt}`);
  }
}
