import { type MonoMs, monoMs } from '../../protocol/ids.ts';
import type { Timer } from './io.ts';
import type { Step } from './step.ts';

/** One timer at a time, and only an earlier one replaces it. */
export class Alarm {
  readonly #timer: Timer;
  #at: MonoMs | null = null;

  constructor(timer: Timer) {
    this.#timer = timer;
  }

  /** Never at once: a rounding error short of the time would spin. */
  setAfter(afterMs: number, step: Step): void {
    const at = monoMs(step.monoMs + Math.max(1, afterMs));
    if (this.#at !== null && this.#at <= at && this.#at >= step.monoMs) return;
    this.#at = at;
    step.setTimer(this.#timer, at - step.monoMs);
  }

  hasRung(): void {
    this.#at = null;
  }
}
