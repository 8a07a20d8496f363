import { on } from 'node:events';
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { decode, encode } from 'it-length-prefixed';
import { pipe } from 'it-pipe';
import { z } from 'zod';
import { fromBytes, toBytes } from '../../protocol/cbor.ts';
import { reasonOf } from './events.ts';

/**
 * Larger things than frames, each on a stream of its own, so that none holds up what is said on the kept one. First a
 * request; then its bytes in chunks, from one side or the other; and for a `put` an answer once the other has taken
 * all:
 *
 *   put name, chunk…, end ─→ taken | reason          get name ─→ found | reason, chunk…, end
 *
 * An answer to `put` may come before the end, from who has it or does not want it: the sender then stops.
 * The sender waits whenever the stream is full, so a slow disk at one end slows down the other.
 */
export const transferProtocol = '/issue-mesh/file/1';

const maxName = 200;
const maxChunk = 128 * 1024;
/** Messages of a stream that wait to be taken before it is paused; one is what came in one piece, at most 64 KiB. */
const maxWaiting = 16;
/** A transfer that does not move for so long is given up. */
const idleMs = 20_000;

const requestSchema = z.object({ type: z.enum(['put', 'get']), name: z.string().min(1).max(maxName) });
const answerSchema = z.object({ ok: z.boolean(), reason: z.string().max(500) });

type Chunks = AsyncIterable<Uint8Array>;

/** What a peer does for others. */
export interface TransferHandler {
  /** Resolves once it is kept; a rejection is told to the sender. */
  onPut(name: string, chunks: Chunks): Promise<void>;
  /** Null where it is not here. */
  onGet(name: string): Promise<Chunks | null>;
}

/** Answers one request. Never rejects: a stream that breaks is its sender's to notice. */
export async function serveTransfer(stream: Stream, handler: TransferHandler): Promise<void> {
  const wire = new Wire(stream);
  try {
    const request = requestSchema.parse(await wire.next());
    if (request.type === 'put') {
      await wire.sendObject(await tried(() => handler.onPut(request.name, wire.rest())));
    } else {
      const found = await handler.onGet(request.name);
      await wire.sendObject({ ok: found !== null, reason: found === null ? 'not here' : '' });
      if (found !== null) await wire.sendAll(found);
    }
    await stream.close();
  } catch (error) {
    stream.abort(new Error(reasonOf(error)));
  } finally {
    wire.end();
  }
}

/** Gives a copy away; resolves once the other has kept it. @throws where it has not. */
export async function put(stream: Stream, name: string, chunks: Chunks): Promise<void> {
  const wire = new Wire(stream);
  try {
    await wire.sendObject({ type: 'put', name });
    const answering = wire.next();
    const sending = wire.sendAll(chunks).then(() => stream.close());
    for (const one of [answering, sending]) one.catch(() => {});
    const isSent = await Promise.race([sending.then(() => true), answering.then(() => false)]);
    const answer = answerSchema.parse(await answering);
    if (!isSent) stream.abort(new Error('answered before the end'));
    if (!answer.ok) throw new Error(answer.reason);
  } catch (error) {
    stream.abort(new Error(reasonOf(error)));
    throw error;
  } finally {
    wire.end();
  }
}

/** Fetches a copy, chunk by chunk. @throws where the other does not have it, or the stream breaks. */
export async function* get(stream: Stream, name: string): AsyncGenerator<Uint8Array> {
  const wire = new Wire(stream);
  try {
    await wire.sendObject({ type: 'get', name });
    await stream.close();
    const answer = answerSchema.parse(await wire.next());
    if (!answer.ok) throw new Error(answer.reason);
    yield* wire.rest();
  } catch (error) {
    stream.abort(new Error(reasonOf(error)));
    throw error;
  } finally {
    wire.end();
  }
}

async function tried(action: () => Promise<void>): Promise<z.infer<typeof answerSchema>> {
  try {
    await action();
    return { ok: true, reason: '' };
  } catch (error) {
    return { ok: false, reason: reasonOf(error).slice(0, 500) };
  }
}

/** Length-prefixed objects and chunks on one stream, with an eye on whether it moves. */
class Wire {
  readonly #stream: Stream;
  readonly #incoming: AsyncIterator<Uint8Array>;
  #idle: NodeJS.Timeout;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#incoming = pipe(messagesOf(stream), (bytes) => decode(bytes, { maxDataLength: maxChunk }), subarrays);
    this.#idle = this.#watch();
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.#incoming.next();
    this.#moved();
    if (done === true) throw new Error('the stream ended too early');
    return fromBytes(value);
  }

  /** An empty chunk is the end: a stream that just stops was cut. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { value, done } = await this.#incoming.next();
      this.#moved();
      if (done === true) throw new Error('the stream was cut');
      if (value.length === 0) return;
      yield value;
    }
  }

  async sendObject(value: unknown): Promise<void> {
    await this.#send(toBytes(value));
  }

  async sendAll(chunks: Chunks): Promise<void> {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += maxChunk) await this.#send(chunk.subarray(at, at + maxChunk));
    }
    await this.#send(new Uint8Array());
  }

  end(): void {
    clearTimeout(this.#idle);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    this.#stream.send(encode.single(bytes, { maxDataLength: maxChunk }));
    if (this.#stream.writableNeedsDrain) await drained(this.#stream);
    this.#moved();
  }

  #moved(): void {
    clearTimeout(this.#idle);
    this.#idle = this.#watch();
  }

  #watch(): NodeJS.Timeout {
    return setTimeout(() => this.#stream.abort(new Error('nothing moves any more')), idleMs);
  }
}

/** What comes, and no more of it than is taken: the stream's own iterator holds all that the sender has. */
async function* messagesOf(stream: Stream): AsyncGenerator<StreamMessageEvent['data']> {
  const options = { close: ['end', 'close'], highWaterMark: maxWaiting, lowWaterMark: 1 };
  const events = on(stream as unknown as EventTarget, 'message', options) as AsyncIterable<[StreamMessageEvent]>;
  for await (const [{ data }] of events) yield data;
}

async function* subarrays(items: AsyncIterable<{ subarray(): Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const item of items) yield item.subarray();
}

/** Resolves when there is room again; rejects when there never will be. */
function drained(stream: Stream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = (): void => reject(new Error('the stream was closed'));
  stream.addEventListener('drain', () => resolve(), { once: true });
  stream.addEventListener('close', onClose, { once: true });
  return promise.finally(() => stream.removeEventListener('close', onClose));
}
