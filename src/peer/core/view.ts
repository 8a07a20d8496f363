import { majorityOf } from '../../election/electorate.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Entry } from './catalogue.ts';
import type { TaskView } from './io.ts';

/** Why a task waits, as far as this peer can see: nobody to decide, or nobody to do it. */
export function stallOf({ state, stalled }: Entry, electors: TaskView['electors']): string | null {
  if (isTerminal(state)) return null;
  const unreachable = electors.filter(({ reachable }) => !reachable).length;
  if (electors.length - unreachable < majorityOf(electors.length)) {
    return `${unreachable} of ${electors.length} electors unreachable`;
  }
  return stalled;
}
