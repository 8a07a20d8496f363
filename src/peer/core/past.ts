import type { Task } from '../../protocol/record.ts';
import type { Stamp } from '../../protocol/summary.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Step } from './step.ts';

/**
 * A task out of the past: where it has ended it is pruned by now, so an open record of it never starts by itself, and
 * is neither handed to who does not know it nor taken in.
 */
export const isPast = (task: Task, { wallMs }: Pick<Step, 'wallMs'>, { keepFinishedMs }: Timing): boolean =>
  wallMs - task.body.createdAt >= keepFinishedMs;

/**
 * A record out of the past of which nobody is known to have ever led the task. Who has not got it by now refuses it, so
 * it stands in nobody's way.
 */
export const isDead = (
  { task, stamp }: { readonly task: Task; readonly stamp: Stamp | null },
  step: Pick<Step, 'wallMs'>,
  timing: Timing,
): boolean => stamp === null && isPast(task, step, timing);
