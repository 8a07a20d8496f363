import type { LogPiece, LogQuery } from '../protocol/agent.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { MessageOf } from '../protocol/messages.ts';

export type ReadLog = (
  query: LogQuery & { readonly attempt: number },
) => Promise<LogPiece | { readonly unavailable: string }>;

/** A frame holds 1 MiB; a piece of a log leaves room for what travels with it. */
const maxPieceBytes = 512 * 1024;
const answerMs = 5_000;

/** Asks other PCs for the logs that they have, and answers them. */
export class LogQueries {
  readonly #readLog: ReadLog;
  readonly #send: (to: PeerId, message: MessageOf<'log-query' | 'log-piece'>) => void;
  readonly #waiting = new Map<string, (piece: MessageOf<'log-piece'>['piece']) => void>();
  #asked = 0;

  constructor(readLog: ReadLog, send: (to: PeerId, message: MessageOf<'log-query' | 'log-piece'>) => void) {
    this.#readLog = readLog;
    this.#send = send;
  }

  readHere(query: LogQuery & { readonly attempt: number }): ReturnType<ReadLog> {
    return this.#readLog({ ...query, limitBytes: Math.min(query.limitBytes, maxPieceBytes) });
  }

  async readThere(worker: PeerId, query: LogQuery & { readonly attempt: number }): ReturnType<ReadLog> {
    this.#asked += 1;
    const request = `log-${this.#asked}`;
    const { promise, resolve } = Promise.withResolvers<MessageOf<'log-piece'>['piece']>();
    this.#waiting.set(request, resolve);
    const timer = setTimeout(() => resolve(null), answerMs);
    this.#send(worker, { type: 'log-query', request, ...query });
    const piece = await promise;
    clearTimeout(timer);
    this.#waiting.delete(request);
    return piece === null
      ? { unavailable: 'the PC that worked on it did not answer' }
      : { attempt: query.attempt, ...piece };
  }

  async answer(from: PeerId, message: MessageOf<'log-query'>): Promise<void> {
    const { request, ...query } = message;
    const read = await this.readHere(query);
    const piece = 'unavailable' in read ? null : { text: read.text, nextOffset: read.nextOffset, end: read.end };
    this.#send(from, { type: 'log-piece', request, piece });
  }

  onPiece({ request, piece }: MessageOf<'log-piece'>): void {
    this.#waiting.get(request)?.(piece);
  }
}
