import type { Fate } from '../../protocol/agent.ts';
import type { TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import { type End, endOf, type TaskState } from '../../protocol/state.ts';

/** One task among those of its key, whether it is known or pruned. */
export interface Round {
  readonly task: TaskId;
  readonly round: number;
  /** Null while it has not ended. */
  readonly end: End | null;
}

export const roundOf = ({ id, body }: Task, state: TaskState): Round => ({
  task: id,
  round: body.round,
  end: endOf(state),
});

/** What a task is to the others of its key. */
export interface Rounds {
  /** The round before it. */
  readonly retryOf: TaskId | null;
  /** The newest round after it. */
  readonly retriedAs: TaskId | null;
}

export const onlyRound: Rounds = { retryOf: null, retriedAs: null };

/** Looks the other rounds up, in `ofKey`, all that are left of that key. */
export function roundsOf(round: number, ofKey: readonly Round[]): Rounds {
  // A duplicate stands for no round of its own.
  const others = ofKey.filter(({ end }) => !isDuplicate(end)).toSorted((a, b) => a.round - b.round);
  return {
    retryOf: others.findLast((other) => other.round < round)?.task ?? null,
    retriedAs: others.findLast((other) => other.round > round)?.task ?? null,
  };
}

/** What has become of a task: one that failed is settled too, once a later round of it, in `ofKey`, is done. */
export function fateOf(known: Round | null, ofKey: readonly Round[]): Fate {
  if (known === null) return 'unknown';
  const { round, end } = known;
  if (end === null) return 'open';
  if (end.name !== 'failed') return 'settled';
  return ofKey.some((other) => other.round > round && other.end?.name === 'done') ? 'settled' : 'failed';
}

const isDuplicate = (end: End | null): boolean => end?.name === 'cancelled' && end.duplicateOf !== null;
