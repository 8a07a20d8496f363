import { encodeMessage, frameOf } from '../protocol/codec.ts';
import type { PeerId } from '../protocol/ids.ts';
import { Limits } from '../protocol/limits.ts';
import type { Message } from '../protocol/messages.ts';

/** Room for the head of a frame's array. */
const headBytes = 5;

/** Gathers what one batch of steps says to each peer, in order, so that it travels in one frame. */
export class Outbox {
  readonly #byPeer = new Map<PeerId, Message[]>();

  add(to: PeerId, message: Message): void {
    const messages = this.#byPeer.get(to);
    if (messages === undefined) this.#byPeer.set(to, [message]);
    else messages.push(message);
  }

  /** A message that goes to several peers is encoded once. */
  flush(send: (to: PeerId, frame: Uint8Array) => void): void {
    const encoded = new Map<Message, Uint8Array>();
    const bytesOf = (message: Message): Uint8Array => {
      const bytes = encoded.get(message) ?? encodeMessage(message);
      encoded.set(message, bytes);
      return bytes;
    };
    for (const [to, messages] of this.#byPeer) {
      for (const parts of split(messages.map(bytesOf))) send(to, frameOf(parts));
    }
    this.#byPeer.clear();
  }
}

/** As few frames as the limits allow, in order. */
function split(messages: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const frames: Uint8Array[][] = [[]];
  let bytes = headBytes;
  for (const message of messages) {
    const last = frames.at(-1) ?? [];
    const isFull = bytes + message.length > Limits.frame || last.length >= Limits.messagesPerFrame;
    if (last.length > 0 && isFull) {
      frames.push([message]);
      bytes = headBytes + message.length;
    } else {
      last.push(message);
      bytes += message.length;
    }
  }
  return frames;
}
