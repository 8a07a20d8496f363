import { majorityOf } from '../../election/electorate.ts';
import type { BlobId, PeerId } from '../../protocol/ids.ts';
import type { Checkpoint } from '../../protocol/state.ts';

/** Copies of a checkpoint that are to be made, with the electors of that moment. */
export interface Copying {
  readonly checkpoint: Checkpoint;
  readonly electorate: readonly PeerId[];
}

/**
 * The checkpoints of one run on their way to the electors. Whatever is returned is to be copied now.
 *
 *   offered → under way → saved, once a majority of the electors has it
 *
 * One is under way at a time; of those that wait only the newest is wanted.
 */
export class Saving {
  /** The newest that a majority has. */
  saved: Checkpoint | null = null;
  #underWay: Copying | null = null;
  #waiting: Checkpoint | null = null;

  /** Something is not yet with a majority, and may still get there. */
  get isBusy(): boolean {
    return this.#underWay !== null;
  }

  offer(checkpoint: Checkpoint, electorate: readonly PeerId[]): Copying | null {
    this.#waiting = checkpoint;
    return this.#underWay === null ? this.#next(electorate) : null;
  }

  /**
   * under way → saved, when a majority of the electors of now have it; → given up, when that was the last of its
   * copies. The electorate may have moved meanwhile: it is then copied to the new one.
   */
  onCopies(blob: BlobId, holders: readonly PeerId[], isLast: boolean, electorate: readonly PeerId[]): Copying | null {
    const copying = this.#underWay;
    if (copying?.checkpoint.blob !== blob) return null;
    const isSaved = holders.filter((peer) => electorate.includes(peer)).length >= majorityOf(electorate.length);
    if (isSaved) this.saved = copying.checkpoint;
    else if (!isLast) return null;
    else if (!sameElectors(copying.electorate, electorate)) this.#waiting ??= copying.checkpoint;
    return this.#next(electorate);
  }

  /** waiting → under way. */
  #next(electorate: readonly PeerId[]): Copying | null {
    this.#underWay = this.#waiting === null ? null : { checkpoint: this.#waiting, electorate };
    this.#waiting = null;
    return this.#underWay;
  }
}

const sameElectors = (some: readonly PeerId[], others: readonly PeerId[]): boolean =>
  some.length === others.length && some.every((peer) => others.includes(peer));
