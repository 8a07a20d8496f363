interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** More events than this at one moment are a loop. */
const maxAtOnce = 100_000;

/** Where the world's events wait for their time. */
export type Clockwork = Pick<EventQueue, 'after'>;

/** Virtual time: events in the order of their time, then of their making. A binary heap. */
export class EventQueue {
  readonly #heap: Scheduled[] = [];
  #nowMs = 0;
  #made = 0;
  #atOnce = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): void {
    this.#made += 1;
    this.#push({ at: this.#nowMs + Math.max(0, delayMs), order: this.#made, run });
  }

  /** Runs events up to `untilMs`, or until the condition holds after one of them. */
  runUntil(untilMs: number, condition: () => boolean): boolean {
    if (condition()) return true;
    for (let next = this.#heap[0]; next !== undefined && next.at <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.#atOnce = next.at === this.#nowMs ? this.#atOnce + 1 : 0;
      if (this.#atOnce > maxAtOnce) throw new Error(`time stands still at ${next.at}`);
      this.#nowMs = next.at;
      next.run();
      if (condition()) return true;
    }
    this.#nowMs = untilMs;
    return false;
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    heap.push(event);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfAfter(parent, child)) return;
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= heap.length) return;
      const child = left + 1 < heap.length && this.#isAfter(left, left + 1) ? left + 1 : left;
      if (!this.#swapIfAfter(parent, child)) return;
      parent = child;
    }
  }

  #swapIfAfter(parent: number, child: number): boolean {
    if (!this.#isAfter(parent, child)) return false;
    const [a, b] = [this.#heap[parent], this.#heap[child]];
    if (a === undefined || b === undefined) return false;
    this.#heap[parent] = b;
    this.#heap[child] = a;
    return true;
  }

  #isAfter(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return (
      one !== undefined &&
      other !== undefined &&
      (one.at > other.at || (one.at === other.at && one.order > other.order))
    );
  }
}
