import { z } from 'zod';
import { fromBytes, toBytes } from './cbor.ts';
import { type Hello, helloSchema, ProtocolVersion } from './hello.ts';
import { Limits } from './limits.ts';
import { type Gossip, gossipSchema, type Message, messageSchema } from './messages.ts';

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const frameSchema = z.array(z.unknown()).max(Limits.messagesPerFrame);

export const encodeMessage = (message: Message): Uint8Array => toBytes(message);

/** One frame holds all that one step says to one peer: a CBOR array of messages that were encoded once for all. */
export function frameOf(messages: readonly Uint8Array[]): Uint8Array {
  const head = toBytes(messages.length);
  // An array's head is that of the number of its items (RFC 8949, 3.1), in major type 4 instead of 0.
  head[0] = (head[0] ?? 0) | 0x80;
  const frame = new Uint8Array(messages.reduce((sum, { length }) => sum + length, head.length));
  frame.set(head);
  let at = head.length;
  for (const message of messages) {
    frame.set(message, at);
    at += message.length;
  }
  return frame;
}

export const encodeFrame = (messages: readonly Message[]): Uint8Array => frameOf(messages.map(encodeMessage));
export const encodeGossip = (gossip: Gossip): Uint8Array => toBytes(gossip);
export const encodeHello = (hello: Hello): Uint8Array => toBytes(hello);

export interface DecodedFrame {
  readonly messages: readonly Message[];
  /** Why single messages were left out: a newer minor may speak of things this one does not know. */
  readonly rejected: readonly string[];
}

/** Well-formed messages pass, each on its own; a frame that is no frame at all is an error. */
export function decodeFrame(bytes: Uint8Array): Decoded<DecodedFrame> {
  if (bytes.length > Limits.frame) return failure('the frame is too large');
  const frame = frameSchema.safeParse(fromBytes(bytes));
  if (!frame.success) return failure('not a frame');
  const messages: Message[] = [];
  const rejected: string[] = [];
  for (const one of frame.data) {
    const parsed = messageSchema.safeParse(one);
    if (parsed.success) messages.push(parsed.data);
    else rejected.push(z.prettifyError(parsed.error));
  }
  return { ok: true, value: { messages, rejected } };
}

export function decodeGossip(bytes: Uint8Array): Decoded<Gossip> {
  if (bytes.length > Limits.gossip) return failure('the message is too large');
  const parsed = gossipSchema.safeParse(fromBytes(bytes));
  return parsed.success ? { ok: true, value: parsed.data } : failure(z.prettifyError(parsed.error));
}

/** A hello of another major is well-formed as far as its version: it is refused by name, not as noise. */
export function decodeHello(bytes: Uint8Array): Decoded<Hello> {
  if (bytes.length > Limits.frame) return failure('the hello is too large');
  const raw = fromBytes(bytes);
  const version = z.looseObject({ major: z.int() }).safeParse(raw);
  if (!version.success) return failure('not a hello');
  if (version.data.major !== ProtocolVersion.major) {
    return failure(`speaks protocol ${version.data.major}, this peer ${ProtocolVersion.major}: update the older one`);
  }
  const parsed = helloSchema.safeParse(raw);
  return parsed.success ? { ok: true, value: parsed.data } : failure(z.prettifyError(parsed.error));
}

const failure = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });
