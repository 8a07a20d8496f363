import type { Task } from '../../protocol/record.ts';
import { isTerminal, type TaskState } from '../../protocol/state.ts';
import type { Stamp, StoryEvent } from '../../protocol/summary.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Step } from './step.ts';

type Now = Pick<Step, 'wallMs'>;

interface Ended {
  readonly task: Task;
  readonly state: TaskState;
  readonly story: readonly StoryEvent[];
}

/**
 * A task out of the past: where it has ended it may be pruned by now, so its record alone starts nothing, and is neither
 * handed to who does not know it nor taken in.
 */
export const isPast = (task: Task, { wallMs }: Now, { keepFinishedMs }: Timing): boolean =>
  wallMs - task.body.createdAt >= keepFinishedMs;

/** It ended so long ago that it is pruned: by the last that its leaders have told of it, which is the same everywhere. */
export function isToBePruned({ task, state, story }: Ended, { wallMs }: Now, { keepFinishedMs }: Timing): boolean {
  const endedAt = Math.max(task.body.createdAt, state.attempts.at(-1)?.endedAt ?? 0, story.at(-1)?.at ?? 0);
  return isTerminal(state) && wallMs - endedAt >= keepFinishedMs;
}

/**
 * A record out of the past of which nobody is known to have ever led the task. Who has not got it by now refuses it, so
 * it stands in nobody's way.
 */
export const isDead = (
  { task, stamp }: { readonly task: Task; readonly stamp: Stamp | null },
  step: Now,
  timing: Timing,
): boolean => stamp === null && isPast(task, step, timing);
