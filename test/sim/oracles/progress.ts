import type { TaskId } from '../../../src/protocol/ids.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

const ended: readonly string[] = ['done', 'failed', 'cancelled'];

/**
 * I4: a task whose submission was acknowledged is never lost. I5: after the faults every open task ends within a bound.
 * Both are judged by what every peer shows when that bound is over.
 */
export class Progress implements Observer {
  readonly #report: Report;
  readonly acknowledged = new Set<TaskId>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    if (observation.type === 'shows') return this.#onShown(observation);
    if (observation.type !== 'replied') return;
    const { reply } = observation;
    if (reply.type === 'submitted' || reply.type === 'existing') this.acknowledged.add(reply.task);
  }

  #onShown({ at, peer, task, phase }: ObservationOf<'shows'>): void {
    if (phase === null) {
      if (!this.acknowledged.has(task)) return;
      this.#report({ invariant: 'I4', at, task, text: `was acknowledged, and ${peer} does not know it` });
    } else if (!ended.includes(phase)) {
      this.#report({ invariant: 'I5', at, task, text: `is ${phase} at ${peer}, long after the last fault` });
    }
  }
}
