import type { Faults } from './faults.ts';
import type { Observer } from './observation.ts';
import type { Random } from './random.ts';
import type { Survivors } from './survivors.ts';
import type { World } from './world.ts';

/** Early enough that what it held is needed, late enough that it held something. */
const whenShare = [0.1, 0.7] as const;

/**
 * A PC that loses its disk, and with that its identity and all that it has promised: it never comes back, and in its place a
 * new one joins. Where it was all that held a task, or one too many of its electors, that is more than the mesh can bear.
 */
export class Replacement {
  readonly #world: World;
  readonly #random: Random;
  readonly #survivors: Survivors;
  readonly #newcomer: string;
  readonly #observer: Observer;
  /** Null until it has happened. */
  lost: string | null = null;

  constructor(world: World, random: Random, survivors: Survivors, newcomer: string, observer: Observer) {
    this.#world = world;
    this.#random = random;
    this.#survivors = survivors;
    this.#newcomer = newcomer;
    this.#observer = observer;
  }

  begin(durationMs: number, faults: Faults): void {
    this.#world.queue.after(durationMs * this.#random.between(...whenShare), () => this.#strike(faults));
  }

  /** Who may come back, or join. */
  get present(): readonly string[] {
    const absent = this.lost ?? this.#newcomer;
    return this.#world.names.filter((name) => name !== absent);
  }

  #strike(faults: Faults): void {
    const others = (name: string): readonly string[] => this.present.filter((other) => other !== name);
    const dispensable = this.present.filter((name) => this.#survivors.suffice(others(name)));
    if (dispensable.length === 0) return;
    this.lost = this.#random.pick(dispensable);
    faults.abandon(this.lost);
    if (this.#world.isUp(this.lost)) this.#world.kill(this.lost);
    this.#observer.see({ at: this.#world.nowMs, peer: this.lost, type: 'replaced', by: this.#newcomer });
    this.#world.start(this.#newcomer);
  }
}
