import type { Stream } from '@libp2p/interface';
import { decode, encode } from 'it-length-prefixed';
import { pipe } from 'it-pipe';
import { Limits } from '../../protocol/limits.ts';
import { reasonOf } from './events.ts';
import { Outbox } from './outbox.ts';

/** A neighbour that is this far behind is better cut off and met again: sync brings it up to date. */
const outboxLimitBytes = 16 * 1024 * 1024;
const greetingMs = 5_000;
const empty = new Uint8Array(0);

export type LinkEnd =
  | { readonly type: 'refused'; readonly by: 'us' | 'them'; readonly reason: string }
  | { readonly type: 'lost'; readonly reason: string };

export interface LinkOwner {
  hello(): Uint8Array;
  acceptHello(hello: Uint8Array): string | null;
  onUp(): void;
  onFrame(frame: Uint8Array): void;
  /** Comes exactly once; nothing comes after it. */
  onEnd(end: LinkEnd): void;
}

type Phase = 'greeting' | 'judged' | 'up' | 'ended';

/**
 * One kept stream to a neighbour, the same on both sides:
 *
 *   hello ─→ verdict on the other's hello ─→ frames
 *
 * each with its length before it. The verdict is an empty frame (accepted) or a reason; later an empty frame only shows
 * that its sender lives. The link is up once both verdicts are good, so neither side is up on a link that the other
 * refused.
 */
export class Link {
  private readonly stream: Stream;
  private readonly owner: LinkOwner;
  private readonly outbox = new Outbox(outboxLimitBytes);
  private readonly flushed = Promise.withResolvers<void>();
  private readonly greetingTimer: NodeJS.Timeout;
  private phase: Phase = 'greeting';
  private lastHeard: number = performance.now();
  private lastSent: number = performance.now();

  constructor(stream: Stream, owner: LinkOwner) {
    this.stream = stream;
    this.owner = owner;
    this.greetingTimer = setTimeout(() => this.abort('no hello in time'), greetingMs);
  }

  /**
   * Sends the hello and begins to listen: apart from the constructor, so that the owner knows the link before it
   * speaks.
   */
  start(): void {
    this.outbox.push(this.owner.hello());
    void this.write();
    void this.read();
  }

  isUp(): boolean {
    return this.phase === 'up';
  }

  silentForMs(): number {
    return performance.now() - this.lastHeard;
  }

  /** Only for a link that is up. */
  send(frame: Uint8Array): void {
    this.lastSent = performance.now();
    if (!this.outbox.push(frame)) this.abort('it takes in too little: the queue is full');
  }

  /** Shows the neighbour that this side lives, if nothing else has for `idleMs`. */
  keepAlive(idleMs: number): void {
    if (this.isUp() && performance.now() - this.lastSent >= idleMs) this.send(empty);
  }

  /** Ends the link at once; what is queued is lost. */
  abort(reason: string): void {
    this.end({ type: 'lost', reason });
    this.stream.abort(new Error(reason));
  }

  /** Ends the link; resolves once what is queued has left, or could not. The caller bounds the time. */
  async close(): Promise<void> {
    this.end({ type: 'lost', reason: 'closed here' });
    await this.flushed.promise;
  }

  private async write(): Promise<void> {
    try {
      await pipe(this.outbox, prefixed, (chunks) => this.sendAll(chunks));
      await this.stream.close();
    } catch (error) {
      this.abort(reasonOf(error));
    } finally {
      this.flushed.resolve();
    }
  }

  private async sendAll(chunks: AsyncIterable<Chunk>): Promise<void> {
    for await (const chunk of chunks) {
      this.stream.send(chunk);
      if (this.stream.writableNeedsDrain) await drained(this.stream);
    }
  }

  private async read(): Promise<void> {
    try {
      await pipe(
        this.stream,
        (bytes) => decode(bytes, { maxDataLength: Limits.frame }),
        async (frames) => {
          for await (const frame of frames) this.receive(frame.subarray());
        },
      );
      this.end({ type: 'lost', reason: 'closed by the neighbour' });
    } catch (error) {
      this.abort(reasonOf(error));
    }
  }

  private receive(frame: Uint8Array): void {
    this.lastHeard = performance.now();
    switch (this.phase) {
      case 'greeting':
        this.judge(frame);
        return;
      case 'judged':
        this.hearVerdict(frame);
        return;
      case 'up':
        if (frame.length > 0) this.owner.onFrame(frame);
        return;
      case 'ended':
        return;
    }
  }

  /** greeting → judged when the neighbour's hello is accepted; else ended. */
  private judge(hello: Uint8Array): void {
    const reason = this.owner.acceptHello(hello);
    if (this.phase !== 'greeting') return;
    this.outbox.push(reason === null ? empty : new TextEncoder().encode(reason));
    if (reason === null) this.phase = 'judged';
    else this.end({ type: 'refused', by: 'us', reason });
  }

  /** judged → up when the neighbour accepts too; else ended. */
  private hearVerdict(verdict: Uint8Array): void {
    if (verdict.length > 0) {
      const reason = new TextDecoder().decode(verdict.subarray(0, Limits.line));
      this.end({ type: 'refused', by: 'them', reason });
      return;
    }
    clearTimeout(this.greetingTimer);
    this.phase = 'up';
    this.owner.onUp();
  }

  private end(end: LinkEnd): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    clearTimeout(this.greetingTimer);
    this.outbox.end();
    this.owner.onEnd(end);
  }
}

type Chunk = ReturnType<typeof encode.single>;

/** A batch becomes one write: a write costs an encryption and a packet, whatever its size. */
async function* prefixed(batches: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Chunk> {
  for await (const batch of batches) {
    const [first, ...others] = batch.map((frame) => encode.single(frame, { maxDataLength: Limits.frame }));
    if (first === undefined) continue;
    first.append(...others);
    yield first;
  }
}

/** The stream's own onDrain() keeps its first promise for ever, so from the second time on it does not wait. */
const drained = (stream: Stream): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stream.removeEventListener('drain', done);
      stream.removeEventListener('close', done);
      resolve();
    };
    stream.addEventListener('drain', done);
    stream.addEventListener('close', done);
  });
