import { majorityOf } from '../../election/electorate.ts';
import { generationOf } from '../../protocol/generation.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Entry } from './catalogue.ts';
import type { TaskView } from './io.ts';
import type { Machines } from './machines.ts';

/** A task as it is shown to people. */
export function viewOf(
  { task, state, stalled, ...entry }: Entry,
  { membership, requests }: Pick<Machines, 'membership' | 'requests'>,
): TaskView {
  const { leader, answers, progress, story } = entry;
  const generation = generationOf(task, state);
  const electors = generation.electorate.map((peer) => ({
    peer,
    name: membership.nameOf(peer),
    reachable: membership.isUp(peer),
  }));
  const why = stallOf({ state, stalled }, electors);
  const cancelPending = requests.isCancelPending(task.id);
  return { task, state, leader, generation, electors, stalled: why, cancelPending, answers, progress, story };
}

/** Why a task waits, as far as this peer can see: nobody to decide, or nobody to do it. */
function stallOf({ state, stalled }: Pick<Entry, 'state' | 'stalled'>, electors: TaskView['electors']): string | null {
  if (isTerminal(state)) return null;
  const unreachable = electors.filter(({ reachable }) => !reachable).length;
  if (electors.length - unreachable < majorityOf(electors.length)) {
    return `${unreachable} of ${electors.length} electors unreachable`;
  }
  return stalled;
}
