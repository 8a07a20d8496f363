import { type RunId, type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import type { Observation, ObservationOf, Observer } from './observation.ts';
import type { IdOf } from './oracles/oracle.ts';
import { Reach } from './reach.ts';

/** The last attempt of a task, for as long as another may have to take its place. */
interface Watched {
  readonly run: RunId;
  readonly worker: string;
  hasDied: boolean;
  /** Since when the mesh has had nothing of its worker; null while all is well, or once more. */
  lostMs: number | null;
  /** For a while since then no majority of the task's electors was together. */
  wasHeadless: boolean;
}

/**
 * How long it takes from the loss of a worker to the start of the next attempt. Lost is one that is down, or out of reach of
 * every majority of its task's electors, and stays so: a worker that is only slow, or apart from a few, or back in time, is
 * none. Where no majority was together meanwhile nobody could have gone on, so these are told apart.
 */
export class Failovers implements Observer {
  readonly ms: number[] = [];
  readonly headlessMs: number[] = [];
  readonly #reach: Reach;
  readonly #watched = new Map<TaskId, Watched>();

  constructor(idOf: IdOf) {
    this.#reach = new Reach(idOf);
  }

  see(observation: Observation): void {
    this.#reach.see(observation);
    switch (observation.type) {
      case 'agent-started':
        return this.#onStart(observation);
      case 'agent-ended':
        return this.#onEnd(observation);
      case 'told-end':
        this.#watched.delete(observation.task);
        return;
      case 'peer':
      case 'cut':
      case 'healed':
        for (const [task, watched] of this.#watched) this.#look(task, watched, observation.at);
        return;
      case 'generation': {
        const watched = this.#watched.get(observation.task);
        if (watched !== undefined) this.#look(observation.task, watched, observation.at);
        return;
      }
      default:
    }
  }

  #onStart({ at, peer, job: { run, task } }: ObservationOf<'agent-started'>): void {
    const before = this.#watched.get(task.id);
    if (before !== undefined && before.lostMs !== null)
      (before.wasHeadless ? this.headlessMs : this.ms).push(at - before.lostMs);
    const watched: Watched = { run, worker: peer, hasDied: false, lostMs: null, wasHeadless: false };
    this.#watched.set(task.id, watched);
    this.#look(task.id, watched, at);
  }

  /** What ends by itself is no loss; what is killed is one, whatever befalls its peer later. */
  #onEnd({ at, peer, run, how }: ObservationOf<'agent-ended'>): void {
    const task = taskOfRun(run);
    const watched = this.#watched.get(task);
    if (watched === undefined || watched.run !== run || watched.worker !== peer) return;
    if (how !== 'killed') return void this.#watched.delete(task);
    watched.hasDied = true;
    this.#look(task, watched, at);
  }

  #look(task: TaskId, watched: Watched, at: number): void {
    const standing = watched.hasDied ? 'down' : this.#reach.standing(watched.worker, task);
    if (standing === 'together') {
      watched.lostMs = null;
      watched.wasHeadless = false;
    } else if (standing !== 'headless') {
      watched.lostMs ??= at;
    }
    if (watched.lostMs !== null && !this.#reach.hasMajority(task)) watched.wasHeadless = true;
  }
}
