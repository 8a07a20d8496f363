import type { Task } from '../../../src/protocol/record.ts';
import type { Observation, Observer } from '../observation.ts';
import { placeOf } from '../oracles/oracle.ts';
import type { Clockwork } from '../queue.ts';
import type { Random } from '../random.ts';
import type { VirtualForge } from './forge.ts';

/** What people do with what the mesh brings them, as shares of pull requests or of tasks. */
export interface MaintainerTraits {
  readonly merges: number;
  readonly closes: number;
  /** Of branches whose pull request has ended. */
  readonly removals: number;
  /** Commits of their own on a branch of the mesh. */
  readonly ownCommits: number;
}

/**
 * Nobody ends a pull request within a minute of its opening. GitHub has no compare-and-swap for pull requests: a request
 * that left its PC in time could otherwise be late enough to open a second one, whatever a client does.
 */
const reviewMs = [60_000, 600_000] as const;
const tidyMs = [500, 60_000] as const;

/** The people at the forge. They know nothing of the mesh. */
export class Maintainers implements Observer {
  readonly #queue: Clockwork;
  readonly #random: Random;
  readonly #forge: VirtualForge;
  #traits: MaintainerTraits;

  constructor(queue: Clockwork, random: Random, forge: VirtualForge, traits: MaintainerTraits) {
    this.#queue = queue;
    this.#random = random;
    this.#forge = forge;
    this.#traits = traits;
  }

  calmDown(): void {
    this.#traits = { merges: 0, closes: 0, removals: 0, ownCommits: 0 };
  }

  see(observation: Observation): void {
    if (observation.type === 'pull-opened') this.#onPull(observation.number);
    if (observation.type === 'pull-ended') this.#onEnd(observation.place);
    if (observation.type === 'agent-started') this.#onWork(observation.job.task);
  }

  #onPull(number: number): void {
    const luck = this.#random.next();
    const isSquashed = this.#random.chance(0.5);
    const atMs = this.#random.magnitude(...reviewMs);
    const { merges, closes } = this.#traits;
    const pull = this.#forge.pull(number);
    if (pull === undefined || luck >= merges + closes) return;
    this.#queue.after(atMs, () => (luck < merges ? this.#forge.merge(pull, isSquashed) : this.#forge.close(pull)));
  }

  #onEnd(place: string): void {
    if (!this.#random.chance(this.#traits.removals)) return;
    this.#queue.after(this.#random.magnitude(...tidyMs), () => this.#forge.removeByHand(place));
  }

  #onWork(task: Task): void {
    if (!this.#random.chance(this.#traits.ownCommits)) return;
    this.#queue.after(this.#random.magnitude(...tidyMs), () => this.#forge.pushByHand(placeOf(task)));
  }
}
