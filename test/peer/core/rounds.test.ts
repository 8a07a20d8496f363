import { describe, expect, it } from 'vitest';
import { fateOf, type Round, roundsOf } from '../../../src/peer/core/rounds.ts';
import type { CommitId, TaskId } from '../../../src/protocol/ids.ts';
import { promptKey } from '../../../src/protocol/record.ts';
import type { End } from '../../../src/protocol/state.ts';
import { readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { submitted, untilPhase } from './support.ts';

const failed: End = { name: 'failed', reason: 'no way' };
const done: End = { name: 'done', result: { branch: 'b', commit: 'a'.repeat(40) as CommitId, pullRequest: null } };
const duplicate: End = { name: 'cancelled', reason: 'duplicate', duplicateOf: 'f'.repeat(64) as TaskId };
const round = (number: number, end: End | null): Round => ({
  task: `round ${number} ${end?.name ?? 'open'}` as TaskId,
  round: number,
  end,
});

describe('the rounds of a task', () => {
  const [first, second, third] = [round(1, failed), round(2, failed), round(3, null)];
  const all = [third, round(3, duplicate), first, second];

  it('are the one before, and the newest one after', () => {
    expect(roundsOf(1, all)).toEqual({ retryOf: null, retriedAs: third.task });
    expect(roundsOf(2, all)).toEqual({ retryOf: first.task, retriedAs: third.task });
    expect(roundsOf(3, all)).toEqual({ retryOf: second.task, retriedAs: null });
  });

  it('are as many as are left', () => {
    expect(roundsOf(3, [third])).toEqual({ retryOf: null, retriedAs: null });
  });
});

describe('the fate of a task', () => {
  const first = round(1, failed);
  it.each([
    ['that is not known', null, [], 'unknown'],
    ['that runs', round(1, null), [], 'open'],
    ['that is done', round(1, done), [], 'settled'],
    ['that has failed', first, [first], 'failed'],
    ['that has failed, while it is retried', first, [first, round(2, null)], 'failed'],
    ['that has failed, and so has its retry', first, [first, round(2, failed)], 'failed'],
    ['that has failed, and whose retry is done', first, [first, round(2, failed), round(3, done)], 'settled'],
    ['whose retry has failed, and which was done', round(2, failed), [round(1, done)], 'failed'],
  ] as const)('%s', (_, known, ofKey, fate) => {
    expect(fateOf(known, ofKey)).toBe(fate);
  });
});

describe('what a peer says of a key', () => {
  const key = promptKey('the same');

  it('counts what it has pruned like what it knows, and no other key', () => {
    const world = new World([{ name: 'alpha' }], {
      timing: { keepFinishedMs: 60_000 },
      agent: ({ task }) => [
        [10, task.body.round === 1 ? { type: 'failed', reason: 'no', final: true, costUsd: null } : readyToPush],
      ],
    });
    world.runFor(100);
    const first = submitted(world, world.submit('alpha', { key }));
    untilPhase(world, first, 'failed');
    world.until('pruned', () => world.task('alpha', first) === null, 120_000);
    expect(world.fate('alpha', first)).toBe('failed');
    const second = submitted(world, world.submit('alpha', { key }, true));
    untilPhase(world, second, 'done');
    submitted(world, world.submit('alpha', { key: promptKey('another') }));
    const ofKey = world.rounds('alpha', key);
    expect(ofKey.map(({ task, end }) => [task, end?.name])).toEqual([
      [second, 'done'],
      [first, 'failed'],
    ]);
    expect(world.fate('alpha', first)).toBe('settled');
    world.until('pruned too', () => world.task('alpha', second) === null, 120_000);
    expect(roundsOf(1, world.rounds('alpha', key))).toEqual({ retryOf: null, retriedAs: second });
    expect(world.fate('alpha', first)).toBe('settled');
  });
});
