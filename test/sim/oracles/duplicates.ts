import type { TaskId } from '../../../src/protocol/ids.ts';
import type { End } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

/**
 * I4, of duplicates: whoever submitted a task that gave way to another has that one instead, or the one to which that
 * gave way in turn. So in the end each such chain leads to a task that ended by itself.
 */
export class DuplicatesEnd implements Observer {
  readonly #report: Report;
  /** By duplicate: whatever it was said to give way to. */
  readonly #winners = new Map<TaskId, Set<TaskId>>();
  readonly #ended = new Set<TaskId>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'told-end': {
        const { phase } = observation.state;
        if (phase.name === 'done' || phase.name === 'failed' || phase.name === 'cancelled')
          this.#onEnd(observation.task, phase);
        return;
      }
      case 'buried':
        return this.#onEnd(observation.tombstone.task, observation.tombstone.end);
      case 'shows':
        return this.#onShown(observation);
      default:
    }
  }

  #onEnd(task: TaskId, end: End): void {
    if (end.name !== 'cancelled' || end.duplicateOf === null) return void this.#ended.add(task);
    const winners = this.#winners.get(task) ?? new Set();
    this.#winners.set(task, winners.add(end.duplicateOf));
  }

  #onShown({ at, task, phase }: ObservationOf<'shows'>): void {
    const winners = this.#winners.get(task);
    if (phase !== 'cancelled' || winners === undefined || this.#leadsToAnEnd(task)) return;
    const names = [...winners].map((winner) => winner.slice(0, 8)).join(', ');
    this.#report({ invariant: 'I4', at, task, text: `gave way to ${names}, which came to no end` });
  }

  #leadsToAnEnd(task: TaskId, passed: ReadonlySet<TaskId> = new Set()): boolean {
    if (this.#ended.has(task)) return true;
    if (passed.has(task)) return false;
    const winners = [...(this.#winners.get(task) ?? [])];
    return winners.some((winner) => this.#leadsToAnEnd(winner, new Set([...passed, task])));
  }
}
