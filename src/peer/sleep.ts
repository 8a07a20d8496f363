import type { Now } from '../protocol/ids.ts';

/** The wall clock is set now and then by less than this; no lease is lost for it. */
export const noticeableMs = 1_000;

/**
 * Notices that the machine has slept: the wall clock went on while the monotonic one stood still. A wall clock that was
 * set looks the same from here, and costs no more than an election.
 */
export class SleepWatch {
  #offsetMs: number | null = null;

  /** What was lost since the last look, in ms; 0 = nothing worth mentioning. */
  look({ monoMs, wallMs }: Now): number {
    const offsetMs = wallMs - monoMs;
    const lostMs = this.#offsetMs === null ? 0 : Math.abs(offsetMs - this.#offsetMs);
    this.#offsetMs = offsetMs;
    return lostMs < noticeableMs ? 0 : lostMs;
  }
}
