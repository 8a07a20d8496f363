/**
 * Something to wait for, in virtual time: called with how to go on. A job is written as a generator that yields these, so
 * that it reads like the product's `async` code and runs without promises.
 */
export interface Wait {
  readonly begin: (resume: (value: unknown) => void) => void;
  /** Whether `stop` ends it; what is not ended is waited for. */
  readonly stoppable: boolean;
}
export type Waiting<T> = Generator<Wait, T, unknown>;

export function* waitFor<T>(begin: (resume: (value: T) => void) => void, stoppable: boolean): Waiting<T> {
  return (yield { begin, stoppable }) as T;
}

/** Drives one job to its end; `stop` ends it at the first wait that can be ended. */
export class Coroutine<T> {
  readonly #steps: Waiting<T>;
  readonly #onEnd: (result: T | null) => void;
  #stopped = false;
  #ended = false;
  #canStop = false;

  /** `onEnd` gets null where the job was stopped on its way. */
  constructor(steps: Waiting<T>, onEnd: (result: T | null) => void) {
    this.#steps = steps;
    this.#onEnd = onEnd;
  }

  run(): void {
    this.#go(undefined);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#canStop) this.#end(null);
  }

  #go(value: unknown): void {
    if (this.#ended) return;
    this.#canStop = false;
    const next = this.#steps.next(value);
    if (next.done === true) return this.#end(next.value);
    if (this.#stopped && next.value.stoppable) return this.#end(null);
    this.#canStop = next.value.stoppable;
    next.value.begin((result) => this.#go(result));
  }

  #end(result: T | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(result);
  }
}
