import type { PublishStep } from '../../protocol/agent.ts';

/** A grant to start one step within a time. */
export interface Grant {
  isValid(): boolean;
}

export interface Clocks {
  readonly monoMs: number;
  readonly wallMs: number;
}
const readClocks = (): Clocks => ({ monoMs: performance.now(), wallMs: Date.now() });

/**
 * The place where a job waits for the grant that it has asked for. A grant that nobody waits for is dropped. It ends on
 * either clock: the monotonic one stands still while a laptop sleeps (P4).
 */
export class Grants {
  readonly #clocks: () => Clocks;
  #waiting: { readonly step: PublishStep; readonly resolve: (grant: Grant) => void } | null = null;

  constructor(clocks: () => Clocks = readClocks) {
    this.#clocks = clocks;
  }

  give(step: PublishStep, validMs: number): void {
    if (this.#waiting?.step !== step) return;
    const given = this.#clocks();
    this.#waiting.resolve({
      isValid: () => {
        const { monoMs, wallMs } = this.#clocks();
        return monoMs - given.monoMs < validMs && Math.abs(wallMs - given.wallMs) < validMs;
      },
    });
    this.#waiting = null;
  }

  /** Waits as long as it takes; rejects when `signal` aborts. */
  next(step: PublishStep, signal: AbortSignal): Promise<Grant> {
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#waiting = { step, resolve };
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}
