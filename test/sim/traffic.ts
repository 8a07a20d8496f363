import { encodeGossip, encodeMessage } from '../../src/protocol/codec.ts';
import type { Gossip, Message } from '../../src/protocol/messages.ts';

/** What has been sent so far, by everybody. */
export interface Sum {
  readonly messages: number;
  readonly bytes: number;
}

/** Counts what peers send, each gossip hop for itself. Bytes only where somebody asks for them: sizing takes time. */
export class TrafficCounter {
  readonly #sizes: WeakMap<object, number> | null;
  readonly #byPeer = new Map<string, Sum>();

  constructor(withBytes: boolean) {
    this.#sizes = withBytes ? new WeakMap() : null;
  }

  direct(from: string, message: Message): void {
    this.#add(
      from,
      this.#sizeOf(message, () => encodeMessage(message)),
    );
  }

  gossip(from: string, gossip: Gossip): void {
    this.#add(
      from,
      this.#sizeOf(gossip, () => encodeGossip(gossip)),
    );
  }

  of(peer: string): Sum {
    return this.#byPeer.get(peer) ?? { messages: 0, bytes: 0 };
  }

  total(): Sum {
    const all = [...this.#byPeer.values()];
    return {
      messages: all.reduce((sum, { messages }) => sum + messages, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  #add(peer: string, size: number): void {
    const { messages, bytes } = this.of(peer);
    this.#byPeer.set(peer, { messages: messages + 1, bytes: bytes + size });
  }

  /** What goes to several peers is encoded once, as in the product. */
  #sizeOf(said: object, encode: () => Uint8Array): number {
    if (this.#sizes === null) return 0;
    const known = this.#sizes.get(said);
    if (known !== undefined) return known;
    const size = encode().length;
    this.#sizes.set(said, size);
    return size;
  }
}
