import { describe, expect, it } from 'vitest';
import { type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import { cancel, initialState } from '../../../src/protocol/state.ts';
import { messages } from '../../protocol/samples.ts';
import type { Observation } from '../observation.ts';
import { commits, doneWith, found } from './histories.ts';

const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(64) as TaskId) as [TaskId, TaskId, TaskId];
const gaveWay = (task: TaskId, to: TaskId): Observation => {
  const state = cancel(initialState, 'the same', to, wallMs(1));
  return { at: 1, peer: 'alpha', type: 'told-end', task, state };
};
const done = (task: TaskId): Observation => {
  return { at: 1, peer: 'alpha', type: 'told-end', task, state: doneWith(commits[0]) };
};
const shown = (task: TaskId): Observation => ({ at: 9, peer: 'alpha', type: 'shows', task, phase: 'cancelled' });

describe('I4 of duplicates', () => {
  it('is kept where the chain leads to a task that ended by itself, pruned or not', () => {
    expect(found(gaveWay(first, second), gaveWay(second, third), done(third), shown(first))).toEqual([]);
    const tombstone = { ...messages.tombstone.tombstone, task: second };
    expect(found(gaveWay(first, second), { at: 2, peer: 'alpha', type: 'buried', tombstone }, shown(first))).toEqual(
      [],
    );
  });

  it('is broken where it leads to nothing, or in a circle', () => {
    expect(found(gaveWay(first, second), shown(first))).toEqual(['I4']);
    expect(found(gaveWay(first, second), gaveWay(second, first), shown(first))).toEqual(['I4']);
  });
});
