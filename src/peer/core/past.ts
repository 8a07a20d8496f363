import type { Task } from '../../protocol/record.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Step } from './step.ts';

/**
 * A task out of the past: where it has ended it is pruned by now, so an open record of it never starts by itself, and
 * is neither handed to who does not know it nor taken in.
 */
export const isPast = (task: Task, { wallMs }: Pick<Step, 'wallMs'>, { keepFinishedMs }: Timing): boolean =>
  wallMs - task.body.createdAt >= keepFinishedMs;
