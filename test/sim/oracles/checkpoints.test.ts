import { describe, expect, it } from 'vitest';
import { type BlobId, wallMs } from '../../../src/protocol/ids.ts';
import {
  type Checkpoint,
  endAttempt,
  initialState,
  saveCheckpoint,
  type TaskState,
} from '../../../src/protocol/state.ts';
import type { Observation } from '../observation.ts';
import { assignedTo, commits, found, majorityAccepts, recorded, starts, task, versionOf } from './histories.ts';

describe('I10', () => {
  const saved = (number: number): Checkpoint => ({
    ...{ blob: `${number}`.repeat(64) as BlobId, bytes: 1, base: commits[0], commit: commits[1], attempt: 1, number },
    ...{ finished: false, session: null, at: wallMs(5) },
  });
  const kept = (peer: string, number: number): Observation => ({
    ...{ at: 4, peer, type: 'checkpoint-kept', task: task.id, blob: saved(number).blob },
  });
  const lapsed = (state: TaskState): TaskState => endAttempt(state, { type: 'lapsed', reason: 'gone' }, wallMs(6));
  const first = assignedTo('gamma');
  const once = saveCheckpoint(first, saved(1));
  const twice = saveCheckpoint(once, saved(2));
  const states = [first, once, twice, assignedTo('beta', lapsed(twice))];
  const history = (...copies: readonly Observation[]): readonly Observation[] => [
    recorded(),
    ...copies,
    ...states.flatMap((state, index) => majorityAccepts(versionOf(1, index + 1), state)),
  ];
  const copies = [1, 2].flatMap((number) => [kept('alpha', number), kept('gamma', number)]);

  it('is kept by an attempt that goes on from the newest checkpoint', () => {
    expect(found(...history(...copies), starts('beta', 2, 1, 1, saved(2)))).toEqual([]);
  });

  it('is broken by one that goes on from an older one, or from none', () => {
    expect(found(...history(...copies), starts('beta', 2, 1, 1, saved(1)))).toEqual(['I10']);
    expect(found(...history(...copies), starts('beta', 2))).toEqual(['I10']);
  });

  it('is broken by one that goes on from what no majority ever had', () => {
    expect(found(...history(kept('gamma', 2)), starts('beta', 2, 1, 1, saved(2)))).toEqual(['I10']);
  });

  it('is broken by one that begins after too many lapses', () => {
    const afterLapses = (lapses: number): TaskState => {
      const before = Array.from({ length: lapses }).reduce<TaskState>(
        (state) => ({ ...lapsed(assignedTo('gamma', state)), lapses: 0 }),
        initialState,
      );
      return assignedTo('beta', before);
    };
    const begins = (lapses: number): readonly string[] =>
      found(recorded(), ...majorityAccepts(versionOf(1, 1), afterLapses(lapses)), starts('beta', lapses + 1));
    expect(begins(4)).toEqual([]);
    expect(begins(5)).toEqual(['I10']);
  });

  it('and I2, by a register that loses a checkpoint, or forgets lapses without one', () => {
    const accepted = (...values: readonly TaskState[]): readonly Observation[] => [
      recorded(),
      ...values.flatMap((value, index) => majorityAccepts(versionOf(1, index + 1), value)),
    ];
    expect(found(...accepted(once, twice))).toEqual([]);
    expect(found(...accepted(twice, once))).toEqual(['I2']);
    expect(found(...accepted(once, first))).toEqual(['I2']);
    expect(found(...accepted(lapsed(first), { ...lapsed(first), lapses: 0 }))).toEqual(['I2']);
  });
});
