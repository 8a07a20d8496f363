import type { Machines } from './machines.ts';
import type { Step } from './step.ts';

/** How often finished tasks, silent peers and ended quotas are looked at. */
export const tickMs = 5_000;

/** What time alone brings about: who is gone, what has ended, which electorates are to be changed. */
export function tick(machines: Machines, step: Step): void {
  const { membership, burials, generations, leaders } = machines;
  membership.prune(step);
  lookForWork(machines, step);
  burials.look(step);
  generations.look(step);
  leaders.considerAll(step);
  step.setTimer({ type: 'tick' }, tickMs);
}

/** Whatever has kept this peer from it may have ended, by the wall clock. */
export function lookForWork({ bidder }: Machines, step: Step): void {
  if (bidder.refresh(step)) bidder.offer(step);
}
