import { type RunId, type TaskId, taskOfRun } from '../../../src/protocol/ids.ts';
import { attemptOfRun, type Observation, type ObservationOf, type Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

interface Grant {
  readonly peer: string;
  readonly run: RunId;
  readonly untilMs: number;
}

/** I9: at most one unexpired publish grant per task. A grant ends with its agent, since nobody else could use it. */
export class OneGrant implements Observer {
  readonly #report: Report;
  readonly #grants = new Map<TaskId, readonly Grant[]>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    if (observation.type === 'granted') this.#onGrant(observation);
    if (observation.type !== 'agent-ended') return;
    const task = taskOfRun(observation.run);
    const left = (this.#grants.get(task) ?? []).filter(
      ({ run, peer }) => run !== observation.run || peer !== observation.peer,
    );
    this.#grants.set(task, left);
  }

  #onGrant({ at, peer, run, untilMs }: ObservationOf<'granted'>): void {
    const task = taskOfRun(run);
    const alive = (this.#grants.get(task) ?? []).filter((grant) => grant.untilMs > at);
    const others = alive.filter((grant) => grant.run !== run || grant.peer !== peer);
    for (const other of others) {
      const left = Math.round(other.untilMs - at);
      const text = `${peer} is granted attempt ${attemptOfRun(run)}, while ${other.peer} has ${left} ms of its grant for attempt ${attemptOfRun(other.run)}`;
      this.#report({ invariant: 'I9', at, task, text });
    }
    this.#grants.set(task, [...others, { peer, run, untilMs }]);
  }
}
