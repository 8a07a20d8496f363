import type { TaskId } from '../../protocol/ids.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Machines } from './machines.ts';
import { isPast } from './past.ts';
import type { Step } from './step.ts';

/** How often finished tasks, silent peers and ended quotas are looked at. */
export const tickMs = 5_000;

/** What time alone brings about: who is gone, what has ended, which electorates are to be changed. */
export function tick(machines: Machines, step: Step): void {
  const { config, membership, catalogue, seats, generations, leaders } = machines;
  membership.prune(step);
  lookForWork(machines, step);
  for (const { task, state } of catalogue.all()) {
    if (!isTerminal(state)) continue;
    leaders.forget(task.id);
    seats.rest(task.id);
    if (isPast(task, step, config.timing)) forget(machines, task.id, step);
  }
  generations.look(step);
  leaders.considerAll(step);
  step.setTimer({ type: 'tick' }, tickMs);
}

/** Whatever has kept this peer from it may have ended, by the wall clock. */
export function lookForWork({ bidder }: Machines, step: Step): void {
  if (bidder.refresh(step)) bidder.offer(step);
}

function forget({ catalogue, registers, healing, seats, bidder, worker }: Machines, task: TaskId, step: Step): void {
  seats.close(task);
  healing.forget(task);
  bidder.forget(task);
  worker.forget(task);
  catalogue.forget(task, registers.close(task), step);
}
