import { describe, expect, it } from 'vitest';
import { fateOf, roundsAmong } from '../../src/peer/rounds.ts';
import { type CommitId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import { promptKey } from '../../src/protocol/record.ts';
import { assign, cancel, endAttempt, initialState, type TaskState } from '../../src/protocol/state.ts';
import { alpha, makeView } from './control/fake-service.ts';

const assigned = assign(initialState, alpha, wallMs(1));
const failed = endAttempt(assigned, { type: 'failed', reason: 'no way', final: true }, wallMs(2));
const result = { branch: 'b', commit: 'a'.repeat(40) as CommitId, pullRequest: null };
const done = endAttempt(assigned, { type: 'done', result }, wallMs(2));
const duplicate = cancel(initialState, 'duplicate', 'f'.repeat(64) as TaskId, wallMs(2));
const round = (number: number, state: TaskState, key = 'one') =>
  makeView(`round ${number} ${state.phase.name}`, { state }, { round: number, key: promptKey(key) });

describe('the rounds of a task', () => {
  const [first, second, third] = [round(1, failed), round(2, failed), round(3, assigned)];
  const roundsOf = roundsAmong([third, round(3, duplicate), first, second, round(2, done, 'other')]);

  it('are the one before, and the newest one after', () => {
    expect(roundsOf(first)).toEqual({ retryOf: null, retriedAs: third.task.id });
    expect(roundsOf(second)).toEqual({ retryOf: first.task.id, retriedAs: third.task.id });
    expect(roundsOf(third)).toEqual({ retryOf: second.task.id, retriedAs: null });
  });

  it('are as many as are known here', () => {
    expect(roundsAmong([third])(third)).toEqual({ retryOf: null, retriedAs: null });
  });
});

describe('the fate of a task', () => {
  const first = round(1, failed);
  it.each([
    ['that is not known', null, [], 'unknown'],
    ['that runs', round(1, assigned), [], 'open'],
    ['that is done', round(1, done), [], 'settled'],
    ['that has failed', first, [first], 'failed'],
    ['that has failed, while it is retried', first, [first, round(2, assigned)], 'failed'],
    ['that has failed, and so has its retry', first, [first, round(2, failed)], 'failed'],
    ['that has failed, and whose retry is done', first, [first, round(2, failed), round(3, done)], 'settled'],
    ['whose retry has failed, and which was done', round(2, failed), [round(1, done)], 'failed'],
    ['that has failed, beside another key', first, [first, round(2, done, 'other')], 'failed'],
  ] as const)('%s', (_, view, all, fate) => {
    expect(fateOf(view, () => all)).toBe(fate);
  });
});
