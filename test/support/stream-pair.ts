import type { Stream } from '@libp2p/interface';

/** Two streams that are each other's far end, as far as a link needs them. */
export function streamPair(): readonly [Stream, Stream] {
  const [one, other] = [new FakeStream(), new FakeStream()];
  one.far = other;
  other.far = one;
  return [one as unknown as Stream, other as unknown as Stream];
}

/** Whether somebody has aborted it, or its far end. */
export const wasAborted = (stream: Stream): boolean => (stream as unknown as FakeStream).error !== null;

class FakeStream extends EventTarget implements AsyncIterable<Uint8Array> {
  far: FakeStream = this;
  error: Error | null = null;
  readonly writableNeedsDrain = false;
  private readonly arrived: Uint8Array[] = [];
  private ended = false;
  private wake: () => void = () => {};

  send(data: { subarray(): Uint8Array }): boolean {
    if (this.error !== null) throw this.error;
    this.far.arrived.push(data.subarray().slice());
    this.far.wake();
    return true;
  }

  async close(): Promise<void> {
    this.far.ended = true;
    this.far.wake();
  }

  abort(error: Error): void {
    if (this.error !== null) return;
    this.error = error;
    this.wake();
    this.far.abort(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.error === null) {
      const next = this.arrived.shift();
      if (next !== undefined) yield next;
      else if (this.ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
    throw this.error;
  }
}
