import type { PublishStep } from '../protocol/agent.ts';

/** A grant to start one step, until a point of the monotonic clock. */
export interface Grant {
  isValid(): boolean;
}

/** The place where a job waits for the grant that it has asked for. A grant that nobody waits for is dropped. */
export class Grants {
  #waiting: { readonly step: PublishStep; readonly resolve: (grant: Grant) => void } | null = null;

  give(step: PublishStep, validMs: number): void {
    if (this.#waiting?.step !== step) return;
    const untilMs = performance.now() + validMs;
    this.#waiting.resolve({ isValid: () => performance.now() < untilMs });
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
