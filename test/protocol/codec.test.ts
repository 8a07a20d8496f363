import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBytes } from '../../src/protocol/cbor.ts';
import {
  decodeFrame,
  decodeGossip,
  decodeHello,
  encodeFrame,
  encodeGossip,
  encodeHello,
  encodeMessage,
  frameOf,
} from '../../src/protocol/codec.ts';
import { ProtocolVersion } from '../../src/protocol/hello.ts';
import { Limits } from '../../src/protocol/limits.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { advert, gossips, hello, messages, task } from './samples.ts';

const all: readonly Message[] = Object.values(messages);
const frame = (...items: readonly unknown[]): Uint8Array => toBytes(items);

function decoded(bytes: Uint8Array): { messages: readonly Message[]; rejected: readonly string[] } {
  const result = decodeFrame(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

function without(value: object, field: string): object {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== field));
}

describe('a frame', () => {
  it.each(all)('carries $type unchanged', (message) => {
    expect(decoded(encodeFrame([message]))).toEqual({ messages: [message], rejected: [] });
  });

  it('carries many in their order', () => {
    expect(decoded(encodeFrame(all)).messages).toEqual(all);
  });

  it.each([0, 1, 23, 24, 255, 256, 4_096])('of %i messages encoded one by one is a CBOR array', (count) => {
    const many = Array.from({ length: count }, () => messages.stored);
    expect(frameOf(many.map(encodeMessage))).toEqual(toBytes(many));
    expect(decoded(encodeFrame(many)).messages).toHaveLength(count);
  });

  it('lets the good messages through when one among them is bad', () => {
    const result = decoded(frame(messages.stored, { type: 'from a later minor' }, messages.call, 7));
    expect(result.messages).toEqual([messages.stored, messages.call]);
    expect(result.rejected).toHaveLength(2);
  });

  it.each(all)('rejects $type when any of its fields is missing', (message) => {
    for (const field of Object.keys(message)) {
      const { messages: passed, rejected } = decoded(frame(without(message, field)));
      expect(passed, field).toEqual([]);
      expect(rejected, field).toHaveLength(1);
    }
  });

  it('ignores fields that it does not know', () => {
    expect(decoded(frame({ ...messages.stored, later: 1 })).messages).toEqual([messages.stored]);
  });

  it('keeps unknown fields of what is stored and passed on', () => {
    const value = { ...messages.accept.value, later: { deep: [1] } };
    expect(decoded(frame({ ...messages.accept, value })).messages).toEqual([{ ...messages.accept, value }]);
    const summary = { ...messages.summary.summary, later: 1 };
    expect(decoded(frame({ ...messages.summary, summary })).messages).toEqual([{ type: 'summary', summary }]);
  });

  it.each<[string, unknown]>([
    ['a task id of another length', { ...messages.stored, task: task.slice(1) }],
    ['a task id in capitals', { ...messages.stored, task: task.toUpperCase() }],
    ['attempt 0', { ...messages.call, attempt: 0 }],
    ['half an attempt', { ...messages.call, attempt: 1.5 }],
    ['a negative round', { ...messages.release, ballot: { ...messages.release.ballot, round: -1 } }],
    ['a round beyond safe integers', { ...messages.release, ballot: { ...messages.release.ballot, round: 2 ** 60 } }],
    ['a peer id that is no base58', { ...messages.release, ballot: { ...messages.release.ballot, peer: '0OIl' } }],
    ['a score above 1', { ...messages.answer, answer: { ...messages.answer.answer, score: 1.01 } }],
    ['a cost that is no number', { ...messages.outcome, costUsd: Number.NaN }],
    ['a cost below nothing', { ...messages.outcome, costUsd: -1 }],
    ['a cost beyond all sense', { ...messages.outcome, costUsd: 1e308 }],
    ['a sum beyond all sense', { ...messages.assign, spentUsd: 1e308 }],
    ['a reason that is too long', { ...messages.cancel, reason: 'x'.repeat(Limits.reason + 1) }],
    ['a prompt that is too long', submitWith('x'.repeat(Limits.prompt + 1))],
    ['a commit that is an option', { ...messages['publish-request'], commit: '--upload-pack=sh' }],
    ['a record that is too large', recordOf(Limits.record + 1, 64)],
    ['a signature of another length', recordOf(8, 63)],
    ['too many sync entries', { ...messages['sync-entries'], entries: syncEntries(Limits.syncEntries + 1) }],
  ])('rejects %s', (_, message) => {
    expect(decoded(frame(message)).messages).toEqual([]);
  });

  it('takes what is just within the limits', () => {
    const { messages: passed } = decoded(
      frame(
        { ...messages.cancel, reason: 'x'.repeat(Limits.reason) },
        submitWith('x'.repeat(Limits.prompt)),
        recordOf(Limits.record, 64),
        { ...messages['sync-entries'], entries: syncEntries(Limits.syncEntries) },
      ),
    );
    expect(passed).toHaveLength(4);
  });
});

describe('what is no frame', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['a message outside an array', toBytes(messages.stored)],
    ['a frame that is cut off', encodeFrame(all).slice(0, -1)],
    ['a frame with more behind it', new Uint8Array([...encodeFrame([messages.stored]), 0])],
    ['a map that names a key twice', new Uint8Array([0x81, 0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2])],
    ['too many messages', frame(...Array.from({ length: Limits.messagesPerFrame + 1 }, () => 0))],
    ['arrays in arrays without an end', new Uint8Array(500_000).fill(0x81)],
  ])('%s is refused as a whole', (_, bytes) => {
    expect(decodeFrame(bytes)).toEqual({ ok: false, reason: 'not a frame' });
  });

  it('is refused for its size before it is read', () => {
    const tooLarge = { ok: false, reason: 'the frame is too large' };
    expect(decodeFrame(new Uint8Array(Limits.frame + 1))).toEqual(tooLarge);
    expect(decodeFrame(new Uint8Array(Limits.frame))).not.toEqual(tooLarge);
    expect(decodeGossip(new Uint8Array(Limits.gossip + 1))).toMatchObject({ reason: 'the message is too large' });
    expect(decodeHello(new Uint8Array(Limits.frame + 1))).toMatchObject({ reason: 'the hello is too large' });
  });
});

describe('gossip', () => {
  it.each(Object.values(gossips))('carries $type unchanged', (gossip) => {
    expect(decodeGossip(encodeGossip(gossip))).toEqual({ ok: true, value: gossip });
  });

  it('refuses messages that belong on a stream', () => {
    expect(decodeGossip(toBytes(messages.prepare)).ok).toBe(false);
  });

  it('passes on the fields of a later minor', () => {
    const later = { type: 'advert', advert: { ...advert, gpu: true } };
    expect(decodeGossip(toBytes(later))).toEqual({ ok: true, value: later });
  });
});

describe('a hello', () => {
  it('is carried unchanged, with the fields of a later minor', () => {
    const later = { ...hello, minor: 9, advert: { ...advert, gpu: true }, tongue: 'new' };
    expect(decodeHello(encodeHello(later))).toEqual({ ok: true, value: later });
  });

  it('of another major is refused in words, whatever else it says', () => {
    const major = ProtocolVersion.major + 1;
    expect(decodeHello(toBytes({ major, all: 'different' }))).toEqual({
      ok: false,
      reason: `speaks protocol ${major}, this peer ${ProtocolVersion.major}: update the older one`,
    });
  });

  it('that is none is refused as such', () => {
    expect(decodeHello(toBytes({ role: 'peer' }))).toEqual({ ok: false, reason: 'not a hello' });
    expect(decodeHello(new Uint8Array([1, 2]))).toEqual({ ok: false, reason: 'not a hello' });
  });

  it.each(['minor', 'role', 'advert'])('without its %s is refused', (field) => {
    expect(decodeHello(toBytes(without(hello, field))).ok).toBe(false);
  });
});

describe('bytes of any kind', () => {
  const decoders = [decodeFrame, decodeGossip, decodeHello];

  it('never make a decoder throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const decode of decoders) expect(decode(bytes)).toHaveProperty('ok');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never make a decoder throw where they were a frame before some were changed; what passes is well-formed', () => {
    const valid = encodeFrame(all);
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (changed) => {
        const bytes = valid.slice();
        for (const [at, byte] of changed) bytes[at] = byte;
        const result = decodeFrame(bytes);
        if (!result.ok) return;
        expect(decoded(encodeFrame(result.value.messages)).messages).toEqual(result.value.messages);
      }),
      { numRuns: 500 },
    );
  });

  it('never make a decoder throw where they are CBOR of anything', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: false }).filter(encodable), (value) => {
        for (const decode of decoders) {
          expect(decode(toBytes(value))).toHaveProperty('ok');
          expect(decode(toBytes([value]))).toHaveProperty('ok');
        }
      }),
      { numRuns: 500 },
    );
  });
});

function submitWith(prompt: string): unknown {
  return { ...messages.submit, draft: { ...messages.submit.draft, prompt } };
}

function recordOf(recordBytes: number, signatureBytes: number): unknown {
  return { type: 'task', record: { bytes: new Uint8Array(recordBytes), signature: new Uint8Array(signatureBytes) } };
}

function syncEntries(count: number): unknown {
  return Array.from({ length: count }, () => ({ task, stamp: null }));
}

function encodable(value: unknown): boolean {
  try {
    toBytes([value]);
    return true;
  } catch {
    return false;
  }
}
