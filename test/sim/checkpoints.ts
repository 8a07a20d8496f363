import type { BlobId, TaskId } from '../../src/protocol/ids.ts';

/** As many as the live folder keeps of one task. */
const keptPerTask = 2;

/** The checkpoints on one virtual PC, of which only the names are told apart. All that is in it is synced. */
export class VirtualFolder {
  /** The newest last. */
  readonly #blobs = new Map<TaskId, readonly BlobId[]>();

  /** Copies are then refused. */
  isFull = false;

  keep(task: TaskId, blob: BlobId): void {
    const others = (this.#blobs.get(task) ?? []).filter((one) => one !== blob);
    this.#blobs.set(task, [...others, blob].slice(-keptPerTask));
  }

  has(task: TaskId, blob: BlobId): boolean {
    return this.#blobs.get(task)?.includes(blob) ?? false;
  }

  forget(task: TaskId): void {
    this.#blobs.delete(task);
  }

  sweep(isWanted: (task: TaskId) => boolean): void {
    for (const task of this.#blobs.keys()) if (!isWanted(task)) this.#blobs.delete(task);
  }
}
