import type { Observation, Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

/** I1: at any true time at most one peer believes that it holds a task's lease, over all its generations. */
export class OneLeader implements Observer {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    if (observation.type !== 'leads' || observation.leaders.length < 2) return;
    const { at, task, leaders } = observation;
    this.#report({ invariant: 'I1', at, task, text: `${leaders.join(' and ')} lead at once` });
  }
}
