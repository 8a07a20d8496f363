import { describe, expect, it } from 'vitest';
import { toBytes } from '../../src/protocol/cbor.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { Limits } from '../../src/protocol/limits.ts';
import { signTask } from '../../src/protocol/record.ts';
import { assign, endAttempt, initialState, type TaskResult, type TaskState } from '../../src/protocol/state.ts';
import { stampOf } from '../../src/protocol/summary.ts';
import { tombstoneOf, tombstoneSchema } from '../../src/protocol/tombstone.ts';
import { body, messages, other, peer } from './samples.ts';

const version = { ballot: { round: 1, peer, incarnation: 1 }, seq: 1 };
const signed = (title: string) => signTask({ ...body, title }, () => new Uint8Array(64));
const doneWith = (result: TaskResult): TaskState =>
  endAttempt(assign(initialState, other, wallMs(1)), { type: 'done', result }, wallMs(2), 0.5);

describe('a tombstone', () => {
  it('is made of a task that has ended, and of no other', () => {
    const done = doneWith({ branch: 'peer/issue-7', commit: null, pullRequest: null, mood: 'sunny' });
    expect(tombstoneOf(signed('Fix it'), done, stampOf(done, version))).toMatchObject({
      key: body.key,
      title: 'Fix it',
      repository: 'ann/greeter',
      attempts: 1,
      spentUsd: 0.5,
      end: { name: 'done', result: { branch: 'peer/issue-7', mood: 'sunny' } },
    });
    expect(tombstoneOf(signed('Fix it'), initialState, stampOf(initialState, version))).toBeNull();
  });

  it('fits its size, whatever its task holds: the longest texts, and fields of newer peers', () => {
    const long = (length: number): string => '漢'.repeat(length);
    const pullRequest = { number: 1, url: long(1_000), state: 'open' as const };
    const done = doneWith({ branch: long(300), commit: null, pullRequest, mood: long(Limits.tombstone) });
    const tombstone = tombstoneOf(signed(long(Limits.title)), done, stampOf(done, version));
    expect(tombstoneSchema.safeParse(tombstone).success).toBe(true);
    expect(tombstone?.end).toEqual({ name: 'done', result: { branch: long(300), commit: null, pullRequest } });
  });

  it('passes on fields of newer peers, and is refused where they are too many', () => {
    const { tombstone } = messages.tombstone;
    expect(tombstoneSchema.parse({ ...tombstone, mood: 'sunny' })).toEqual({ ...tombstone, mood: 'sunny' });
    const room = Limits.tombstone - toBytes(tombstone).length;
    expect(tombstoneSchema.safeParse({ ...tombstone, mood: 'x'.repeat(room) }).success).toBe(false);
  });
});
