import type { PeerId } from '../../protocol/ids.ts';

/**
 * What a peer needs of a network: direct frames to neighbours, gossip to all. Everything is best effort; frames to one
 * neighbour arrive in order or the connection is down. Bytes in, bytes out: decoding is the caller's.
 *
 * Every implementation passes the suite in test/contracts/network.ts.
 */
export interface Network {
  readonly self: PeerId;
  /**
   * Begins listening and looking for peers; resolves once it accepts connections.
   * @throws NetworkError `listen-failed` (busy port, bad address), with the address that failed.
   */
  start(handler: NetworkHandler): Promise<void>;
  /** The multiaddrs that others can dial, each ending in `/p2p/<self>`; loopback ones last. */
  addresses(): readonly string[];
  /** Sends one frame to a neighbour; dropped without a word when there is no link to it. */
  send(to: PeerId, frame: Uint8Array): void;
  /**
   * Gossips to every peer of the mesh but this one. Messages before the first neighbour are lost: sync makes up for it.
   */
  broadcast(topic: Topic, data: Uint8Array): void;
  /** Gives a neighbour a copy of something larger than a frame. @throws where it was not kept there. */
  put(to: PeerId, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Fetches a copy from a neighbour. @throws while it is read, where there is none or the link breaks. */
  get(from: PeerId, name: string): AsyncIterable<Uint8Array>;
  /** Remembers where a peer was heard of, and keeps dialling it with back-off for as long as it is not a neighbour. */
  addPeer(peer: PeerId, addresses: readonly string[]): void;
  /** Bytes since the start, for `status`, metrics and benchmarks. */
  traffic(): { readonly sentBytes: number; readonly receivedBytes: number };
  stop(): Promise<void>;
}

export const Topics = ['tasks', 'adverts', 'summaries'] as const;
export type Topic = (typeof Topics)[number];

/** Called one at a time, in order per neighbour. A handler that throws is a bug and ends the process. */
export interface NetworkHandler {
  /** The first frame sent on every link, read afresh for each. */
  hello(): Uint8Array;
  /** A neighbour's first frame. Null accepts it; a reason closes the link, and `onRefused` has been told. */
  acceptHello(from: PeerId, hello: Uint8Array): string | null;
  /** The link to a neighbour serves in both directions. Comes once per link, before any of its frames. */
  onUp(peer: PeerId, link: { readonly addresses: readonly string[] }): void;
  /**
   * The neighbour is gone: its connection closed, and a redial was refused for `graceMs`. A link that is re-established
   * within that time is an `onUp` (its hello may carry another incarnation) without an `onDown` before it.
   */
  onDown(peer: PeerId): void;
  onFrame(from: PeerId, frame: Uint8Array): void;
  /** A copy from a neighbour; resolves once it is kept, and rejects where it is not wanted. */
  onPut(from: PeerId, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** What a neighbour asks for; null where it is not here. */
  onGet(from: PeerId, name: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** A gossip message whose signature has been checked; `from` made it, whoever forwarded it. */
  onGossip(from: PeerId, topic: Topic, data: Uint8Array): void;
}

export type NetworkErrorCode = 'listen-failed' | 'bad-address';

export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly code: NetworkErrorCode;
  readonly address: string;
  constructor(code: NetworkErrorCode, address: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.address = address;
  }
}
