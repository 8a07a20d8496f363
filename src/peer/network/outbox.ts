/** One write holds at most about this much, so that what waits stays here, where it is counted. */
const batchBytes = 64 * 1024;

/** The frames on their way to one neighbour: bounded, in order, taken in batches. */
export class Outbox implements AsyncIterable<readonly Uint8Array[]> {
  private readonly limitBytes: number;
  private frames: Uint8Array[] = [];
  private queuedBytes = 0;
  private ended = false;
  private wake: (() => void) | null = null;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** False when the neighbour is so far behind that the frame found no room. */
  push(frame: Uint8Array): boolean {
    if (this.ended) return true;
    if (this.queuedBytes + frame.length > this.limitBytes) return false;
    this.frames.push(frame);
    this.queuedBytes += frame.length;
    this.wake?.();
    return true;
  }

  /** What is queued is still taken; nothing more is let in. */
  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Uint8Array[]> {
    while (true) {
      if (this.frames.length > 0) yield this.takeBatch();
      else if (this.ended) return;
      else await this.woken();
    }
  }

  private takeBatch(): readonly Uint8Array[] {
    let count = 0;
    let sizeBytes = 0;
    for (const frame of this.frames) {
      if (count > 0 && sizeBytes + frame.length > batchBytes) break;
      count += 1;
      sizeBytes += frame.length;
    }
    this.queuedBytes -= sizeBytes;
    return this.frames.splice(0, count);
  }

  private async woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.wake = null;
  }
}
