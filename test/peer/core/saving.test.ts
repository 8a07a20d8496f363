import { describe, expect, it } from 'vitest';
import { Saving } from '../../../src/peer/core/saving.ts';
import { type BlobId, type CommitId, type PeerId, wallMs } from '../../../src/protocol/ids.ts';
import type { Checkpoint } from '../../../src/protocol/state.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'] as unknown as readonly [PeerId, PeerId, PeerId, PeerId];
const electorate = [a, b, c];
const commit = 'c'.repeat(40) as CommitId;
const numbered = (number: number): Checkpoint => ({
  blob: `${number}`.repeat(64).slice(0, 64) as BlobId,
  bytes: 1,
  base: commit,
  commit,
  attempt: 1,
  number,
  finished: false,
  session: null,
  at: wallMs(number),
});
const [one, two, three] = [numbered(1), numbered(2), numbered(3)] as const;

describe('the checkpoints of a run', () => {
  it('count once a majority of the electors has them, before the last copy is made', () => {
    const saving = new Saving();
    expect(saving.offer(one, electorate)).toEqual({ checkpoint: one, electorate });
    expect(saving.onCopies(one.blob, [a], false, electorate)).toBeNull();
    expect([saving.saved, saving.isBusy]).toEqual([null, true]);
    saving.onCopies(one.blob, [a, b], false, electorate);
    expect([saving.saved, saving.isBusy]).toEqual([one, false]);
  });

  it('are copied one at a time, and of those that wait only the newest', () => {
    const saving = new Saving();
    saving.offer(one, electorate);
    expect([saving.offer(two, electorate), saving.offer(three, electorate)]).toEqual([null, null]);
    expect(saving.onCopies(one.blob, [a, b], false, electorate)).toEqual({ checkpoint: three, electorate });
    expect(saving.saved).toBe(one);
  });

  it('that only a minority got are given up, and the last one that counted still does', () => {
    const saving = new Saving();
    saving.offer(one, electorate);
    saving.onCopies(one.blob, [a, b], true, electorate);
    saving.offer(two, electorate);
    expect(saving.onCopies(two.blob, [c], true, electorate)).toBeNull();
    expect([saving.saved, saving.isBusy]).toEqual([one, false]);
  });

  it('are copied to the electors of now where these have changed meanwhile', () => {
    const saving = new Saving();
    saving.offer(one, electorate);
    const moved = [b, c, d];
    expect(saving.onCopies(one.blob, [a, b], true, moved)).toEqual({ checkpoint: one, electorate: moved });
    saving.onCopies(one.blob, [b, d], false, moved);
    expect(saving.saved).toBe(one);
  });

  it('heed no answer about another one', () => {
    const saving = new Saving();
    expect(saving.onCopies(one.blob, electorate, true, electorate)).toBeNull();
    saving.offer(two, electorate);
    saving.onCopies(one.blob, electorate, true, electorate);
    expect([saving.saved, saving.isBusy]).toEqual([null, true]);
  });
});
