import { reasonOf } from './events.ts';
import { NetworkError, type NetworkHandler } from './network.ts';

/** Several addresses fail with an error that hides its parts; one that never answers, with one that does not say so. */
export function dialFailure(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(dialFailure))].join('; ');
  const timedOut = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
  return timedOut ? 'no answer in time' : reasonOf(error);
}

export function listenError(listen: readonly string[], error: unknown): NetworkError {
  const text = reasonOf(error);
  const address = listen.find((one) => text.includes(`\n  ${one}: `)) ?? listen.join(', ');
  const message = text.includes('EADDRINUSE')
    ? `the port of ${address} is in use: choose another one, or stop what uses it`
    : `cannot listen on ${address}: ${inWords(/\b(E[A-Z]{3,})\b/.exec(text)?.[1] ?? text)}`;
  return new NetworkError('listen-failed', address, message, { cause: error });
}

const inWords = (reason: string): string => reasons[reason] ?? reason;

const reasons: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this PC has no such address, use /ip4/0.0.0.0 for all that it has',
  ENOTFOUND: 'nobody knows that name, use an address of this PC',
  EACCES: 'this user may not open that port, use one from 1024 up',
};

/** A handler that throws is a bug: it ends the process, and is not lost in some stream's promise. */
export function ending(handler: NetworkHandler): NetworkHandler {
  const end = (error: unknown): void =>
    queueMicrotask(() => {
      throw error;
    });
  const guard =
    <A extends readonly unknown[], R>(call: (...args: A) => R, otherwise: R) =>
    (...args: A): R => {
      try {
        return call(...args);
      } catch (error) {
        end(error);
        return otherwise;
      }
    };
  return {
    hello: guard(() => handler.hello(), new Uint8Array(0)),
    acceptHello: guard((from, hello) => handler.acceptHello(from, hello), 'internal error'),
    onUp: guard((peer, link) => handler.onUp(peer, link), undefined),
    onDown: guard((peer) => handler.onDown(peer), undefined),
    onFrame: guard((from, frame) => handler.onFrame(from, frame), undefined),
    onPut: (from, name, chunks) => handler.onPut(from, name, chunks),
    onGet: (from, name) => handler.onGet(from, name),
    onGossip: guard((from, topic, data) => handler.onGossip(from, topic, data), undefined),
  };
}
