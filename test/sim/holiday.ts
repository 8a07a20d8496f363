import { defaultTiming } from '../../src/protocol/timing.ts';
import type { People } from './people.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Everything that has ended before is past by any clock: they differ by a minute or two. */
const lengthMs = defaultTiming.keepFinishedMs + 3_600_000;
const returnsMs = [0, 30_000] as const;
const restartMs = 5_000;
/** By then everybody has pruned what there was, and those who were off for longer know of it. */
const settledMs = 60_000;
const crashShare = 0.5;

/**
 * A month in which nobody is there: it passes on every wall clock, and no time besides, as all PCs sleep or are off. What
 * had ended is pruned then, by one of them not without a crash. Those that were off when it ended come back with what
 * they knew before, and people ask for some of it again.
 */
export class Holiday {
  readonly #world: World;
  readonly #random: Random;
  readonly #people: People;

  constructor(world: World, random: Random, people: People) {
    this.#world = world;
    this.#random = random;
    this.#people = people;
  }

  /** `absent` are those that come back only now. */
  pass(absent: readonly string[]): void {
    const present = this.#world.names.filter((name) => this.#world.isUp(name));
    this.#world.leap(lengthMs);
    if (this.#random.chance(crashShare)) this.#crash(this.#random.pick(present));
    for (const name of absent)
      this.#world.queue.after(this.#random.between(...returnsMs), () => this.#world.start(name));
    this.#world.runFor(settledMs);
    this.#people.askAgain();
    this.#world.runFor(defaultTiming.submitMs);
  }

  #crash(name: string): void {
    this.#world.doom(name, this.#random.next());
    this.#world.queue.after(restartMs, () => {
      this.#world.spare(name);
      if (!this.#world.isUp(name)) this.#world.start(name);
    });
  }
}
