import { majorityOf } from '../../src/election/electorate.ts';
import { compareGenerations, type Generation, originOf } from '../../src/protocol/generation.ts';
import type { PeerId, TaskId } from '../../src/protocol/ids.ts';
import type { Observation, Observer } from './observation.ts';
import type { Random } from './random.ts';
import { peerIdOf } from './world.ts';

/** The last electorates of a task that may still be needed: the last one, and the one that hands over to it. */
const needed = 3;
/** How often peace brings back only some of the peers; before a month away it should, so that some are off for long. */
const someShare = { usually: 0.3, beforeMonth: 0.9 } as const;

/**
 * Who is to live when the faults are over: everybody, or at least half of all with enough of each electorate, which is a
 * majority, or either of two.
 */
export class Survivors implements Observer {
  readonly #electorates = new Map<TaskId, readonly Generation[]>();

  see(observation: Observation): void {
    if (observation.type === 'record') this.#add(observation.task.id, originOf(observation.task));
    if (observation.type !== 'register') return;
    const { initial, accepted } = observation.register;
    for (const generation of [initial?.generation, accepted?.value.moved])
      if (generation !== undefined && generation !== null) this.#add(observation.task, generation);
  }

  choose(names: readonly string[], random: Random, isBeforeMonth = false): readonly string[] {
    if (!random.chance(isBeforeMonth ? someShare.beforeMonth : someShare.usually)) return names;
    const half = Math.ceil(names.length / 2);
    const chosen = new Set(random.shuffled(names).slice(0, random.whole(half, names.length)));
    return this.suffice([...chosen]) ? names.filter((name) => chosen.has(name)) : names;
  }

  /** Whether these can bring every task to its end. */
  suffice(names: readonly string[]): boolean {
    const ids = new Set(names.map(peerIdOf));
    return [...this.#electorates.values()].every((generations) =>
      generations.slice(-needed).every((generation) => suffices(generation, ids)),
    );
  }

  #add(task: TaskId, generation: Generation): void {
    const known = this.#electorates.get(task) ?? [];
    if (known.some(({ id }) => id === generation.id)) return;
    this.#electorates.set(task, [...known, generation].sort(compareGenerations));
  }
}

const suffices = ({ electorate }: Generation, living: ReadonlySet<PeerId>): boolean => {
  const present = electorate.filter((peer) => living.has(peer)).length;
  return present >= (electorate.length === 2 ? 1 : majorityOf(electorate.length));
};
