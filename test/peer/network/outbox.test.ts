import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/peer/network/outbox.ts';

const take = async (outbox: Outbox): Promise<readonly Uint8Array[][]> => {
  const batches: Uint8Array[][] = [];
  for await (const batch of outbox) batches.push([...batch]);
  return batches;
};

describe('the outbox', () => {
  it('gives what it was given, in order, in batches of a bounded size', async () => {
    const outbox = new Outbox(1_000_000);
    const frames = [30_000, 30_000, 30_000, 200_000, 1, 2].map((size, index) => new Uint8Array(size).fill(index));
    for (const frame of frames) expect(outbox.push(frame)).toBe(true);
    outbox.end();
    const batches = await take(outbox);
    expect(batches.flat()).toEqual(frames);
    expect(batches.map((batch) => batch.length)).toEqual([2, 1, 1, 2]);
  });

  it('has no room beyond its limit, and has it again when frames have left', async () => {
    const outbox = new Outbox(100);
    expect(outbox.push(new Uint8Array(60))).toBe(true);
    expect(outbox.push(new Uint8Array(60))).toBe(false);
    const batches = outbox[Symbol.asyncIterator]();
    await batches.next();
    expect(outbox.push(new Uint8Array(60))).toBe(true);
  });

  it('wakes a reader that waits, and takes nothing in after its end', async () => {
    const outbox = new Outbox(100);
    const taken = take(outbox);
    await Promise.resolve();
    outbox.push(new Uint8Array([1]));
    await new Promise(setImmediate);
    outbox.push(new Uint8Array([2]));
    outbox.end();
    outbox.push(new Uint8Array([3]));
    expect((await taken).flat().map((frame) => frame[0])).toEqual([1, 2]);
  });
});
