import { majorityOf } from '../../src/election/electorate.ts';
import { type Generation, originOf } from '../../src/protocol/generation.ts';
import type { PeerId, TaskId } from '../../src/protocol/ids.ts';
import type { Observation, Observer } from './observation.ts';
import type { IdOf } from './oracles/oracle.ts';

interface Sides {
  readonly some: ReadonlySet<PeerId>;
  readonly others: ReadonlySet<PeerId>;
}

/**
 * How a worker stands to its task: `down` it does nothing; `headless` no majority of the electors is together, so that nobody
 * could do without it; `apart` they are, and cannot reach it.
 */
export type Standing = 'together' | 'apart' | 'headless' | 'down';

/** Who can talk to whom at true time, as far as processes and cuts decide it. What is only slow is reached. */
export class Reach implements Observer {
  readonly #idOf: IdOf;
  readonly #running = new Set<PeerId>();
  readonly #cuts = new Map<number, Sides>();
  readonly #generations = new Map<TaskId, Pick<Generation, 'number' | 'electorate'>>();

  constructor(idOf: IdOf) {
    this.#idOf = idOf;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'peer': {
        const { peer, change } = observation;
        const runs = change === 'started' || change === 'continued' || change === 'woke';
        if (runs) this.#running.add(this.#idOf(peer));
        else this.#running.delete(this.#idOf(peer));
        return;
      }
      case 'cut': {
        const { id, kind, peers, others } = observation;
        if (kind === 'slow') return;
        this.#cuts.set(id, { some: new Set(peers.map(this.#idOf)), others: new Set(others.map(this.#idOf)) });
        return;
      }
      case 'healed':
        this.#cuts.delete(observation.id);
        return;
      case 'record':
        return this.#note(observation.task.id, originOf(observation.task));
      case 'generation':
        return this.#note(observation.task, observation.generation);
      default:
    }
  }

  standing(worker: string, task: TaskId): Standing {
    const id = this.#idOf(worker);
    if (!this.#running.has(id)) return 'down';
    const together = this.#together(task);
    if (together.length === 0) return 'headless';
    return together.some((elector) => this.#meet(elector, id)) ? 'together' : 'apart';
  }

  hasMajority(task: TaskId): boolean {
    return this.#together(task).length > 0;
  }

  /** The electors, each of whom reaches a majority of them all. */
  #together(task: TaskId): readonly PeerId[] {
    const electorate = this.#generations.get(task)?.electorate ?? [];
    const needed = majorityOf(electorate.length);
    return electorate.filter((one) => electorate.filter((other) => this.#meet(one, other)).length >= needed);
  }

  #meet(a: PeerId, b: PeerId): boolean {
    if (!this.#running.has(a) || !this.#running.has(b)) return false;
    for (const { some, others } of this.#cuts.values())
      if ((some.has(a) && others.has(b)) || (some.has(b) && others.has(a))) return false;
    return true;
  }

  #note(task: TaskId, { number, electorate }: Generation): void {
    if (number >= (this.#generations.get(task)?.number ?? 0)) this.#generations.set(task, { number, electorate });
  }
}
