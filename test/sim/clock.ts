import { monoMs, type Now, wallMs } from '../../src/protocol/ids.ts';

const epoch = 1_750_000_000_000;

/**
 * One PC's two clocks, on the world's true time: both run at the PC's own rate, and while it sleeps the monotonic one
 * stands still.
 */
export class Clock {
  /** 1 = true time. */
  readonly rate: number;
  #wallOffsetMs: number;
  /** True time at which the monotonic clock of this run would have shown nought. */
  #origin = 0;
  /** True time slept through since then. */
  #sleptMs = 0;
  #asleepSince: number | null = null;

  constructor(rate: number, wallOffsetMs: number) {
    this.rate = rate;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** A process begins: its monotonic clock has a beginning of its own, of no meaning to anybody else. */
  boot(nowMs: number, elapsedMs: number): void {
    this.#origin = nowMs - elapsedMs;
    this.#sleptMs = 0;
    this.#asleepSince = null;
  }

  sleep(nowMs: number): void {
    this.#asleepSince ??= nowMs;
  }

  wake(nowMs: number): void {
    this.#sleptMs = this.sleptMs(nowMs);
    this.#asleepSince = null;
  }

  /** It was asleep for so long, or off, and no true time has passed. */
  leap(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** A timer that was set before a sleep comes so much later. */
  sleptMs(nowMs: number): number {
    return this.#sleptMs + (this.#asleepSince === null ? 0 : nowMs - this.#asleepSince);
  }

  read(nowMs: number): Now {
    return {
      monoMs: monoMs((nowMs - this.#origin - this.sleptMs(nowMs)) * this.rate),
      wallMs: this.wall(nowMs),
    };
  }

  wall(nowMs: number): Now['wallMs'] {
    return wallMs(epoch + Math.round(this.#wallOffsetMs + nowMs * this.rate));
  }
}
