/** Grows from `firstMs` to `maxMs` by doubling, each delay varied by a quarter so that peers do not move in step. */
export class Backoff {
  private readonly firstMs: number;
  private readonly maxMs: number;
  private readonly random: () => number;
  private failures = 0;

  constructor(firstMs: number, maxMs: number, random: () => number = Math.random) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.random = random;
  }

  /** The delay before the next try; each call counts one more failure. */
  nextMs(): number {
    const plainMs = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    return plainMs * (0.75 + this.random() / 2);
  }

  hasFailed(): boolean {
    return this.failures > 0;
  }

  reset(): void {
    this.failures = 0;
  }
}
