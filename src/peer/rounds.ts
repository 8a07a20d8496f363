import type { Fate } from '../protocol/agent.ts';
import type { TaskId } from '../protocol/ids.ts';
import { type End, endOf, type TaskState } from '../protocol/state.ts';
import type { TaskView } from './core/io.ts';

/** What a task is to the others of its key. */
export interface Rounds {
  /** The round before it. */
  readonly retryOf: TaskId | null;
  /** The newest round after it. */
  readonly retriedAs: TaskId | null;
}

type Known = Pick<TaskView, 'task' | 'state'>;

export const onlyRound: Rounds = { retryOf: null, retriedAs: null };

/** Looks a task's other rounds up among those that are known here: earlier ones may be forgotten by now. */
export function roundsAmong(known: readonly Known[]): (of: Known) => Rounds {
  const byKey = Map.groupBy(known, ({ task }) => task.body.key);
  return ({ task: { body } }) => {
    // A duplicate stands for no round of its own.
    const others = (byKey.get(body.key) ?? []).filter(({ state }) => !isDuplicate(state));
    const sorted = others.toSorted((a, b) => a.task.body.round - b.task.body.round);
    return {
      retryOf: sorted.findLast(({ task }) => task.body.round < body.round)?.task.id ?? null,
      retriedAs: sorted.findLast(({ task }) => task.body.round > body.round)?.task.id ?? null,
    };
  };
}

/** What has become of a task: one that failed is settled too, once a later round of it, among `all`, is done. */
export function fateOf(known: Known | null, all: () => readonly Known[]): Fate {
  if (known === null) return 'unknown';
  const { task, state } = known;
  const end = endOf(state);
  if (end === null) return 'open';
  if (end.name !== 'failed') return fateAtEnd(end);
  const { key, round } = task.body;
  const isLaterResult = (other: Known): boolean =>
    other.task.body.key === key && other.task.body.round > round && other.state.phase.name === 'done';
  return all().some(isLaterResult) ? 'settled' : 'failed';
}

export const fateAtEnd = ({ name }: End): Fate => (name === 'failed' ? 'failed' : 'settled');

const isDuplicate = ({ phase }: TaskState): boolean => phase.name === 'cancelled' && phase.duplicateOf !== null;
