import type { BlobId, PeerId, TaskId } from '../../protocol/ids.ts';

/** The bytes of checkpoints: made on this PC, kept by a task's electors, fetched by whoever goes on. */
export interface CheckpointFiles {
  /** Takes the file over, and names it by its content. @throws where it is larger than a checkpoint may be. */
  keep(task: TaskId, file: string): Promise<{ readonly blob: BlobId; readonly bytes: number }>;
  /** Its path on this PC, from one of the holders if need be. @throws where nobody has it. */
  fetch(task: TaskId, blob: BlobId, holders: readonly PeerId[], signal: AbortSignal): Promise<string>;
}
