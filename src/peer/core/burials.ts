import { liveLease } from '../../election/acceptor.ts';
import type { MonoMs, TaskId } from '../../protocol/ids.ts';
import { isTerminal } from '../../protocol/state.ts';
import { compareMaybeStamps } from '../../protocol/summary.ts';
import { type Tombstone, tombstoneOf } from '../../protocol/tombstone.ts';
import type { Bidder } from './bidder.ts';
import type { Entry } from './catalogue.ts';
import type { Leaders } from './leaders.ts';
import type { Parts } from './parts.ts';
import { isDead, isToBePruned } from './past.ts';
import type { Seats } from './seats.ts';
import type { Step } from './step.ts';
import type { Worker } from './worker.ts';

/** Who keeps something about a task. */
interface Mourners {
  readonly seats: Seats;
  readonly leaders: Leaders;
  readonly worker: Worker;
  readonly bidder: Bidder;
}

/**
 * Tasks that have ended are kept for a while and then pruned to a tombstone: everything else about them is forgotten.
 *
 *   ended → 30 days later: buried         known or not → buried, when a tombstone comes that says more than is known
 *   dead → forgotten                      a record that nobody has ever led, and nobody would take in any more
 *
 * A task is either known or buried, never both, and is not dug up again: its record is not taken in any more.
 */
export class Burials {
  readonly #parts: Parts;
  readonly #mourners: Mourners;
  /** Dead records, and since when they were seen to be: what a majority has is led soon after it is there again. */
  readonly #dead = new Map<TaskId, MonoMs>();

  constructor(parts: Parts, mourners: Mourners) {
    this.#parts = parts;
    this.#mourners = mourners;
  }

  get held(): number {
    return this.#dead.size;
  }

  /** Which tasks have ended, and which of these long ago? Asked every few seconds. */
  look(step: Step): void {
    const { catalogue, config } = this.#parts;
    for (const entry of catalogue.all()) {
      if (isDead(entry, step, config.timing)) this.#giveUp(entry, step);
      else this.#dead.delete(entry.task.id);
      if (!isTerminal(entry.state)) continue;
      this.#mourners.leaders.forget(entry.task.id, step);
      this.#mourners.seats.rest(entry.task.id);
      if (isToBePruned(entry, step, config.timing)) this.#bury(entry, step);
    }
  }

  /** Another peer has pruned it: an end beats what is under way, and whatever is known here to be older. */
  onTombstone(tombstone: Tombstone, step: Step): void {
    const { catalogue } = this.#parts;
    const entry = catalogue.get(tombstone.task);
    if (entry !== undefined && compareMaybeStamps(entry.stamp, tombstone.stamp) >= 0) return;
    const isNews = catalogue.tombstones.lay(tombstone, step);
    if (entry !== undefined) this.#forget(entry, step);
    if (!isNews && entry === undefined) return;
    step.emit({ type: 'task', task: tombstone.task });
    for (const { task } of catalogue.withKey(tombstone.key)) this.#mourners.seats.considerTurn(task.id, step);
  }

  /**
   * dead → forgotten, unless it is led within the time in which its electors are there again, if they ever are. A vote
   * for a lease is not forgotten while that may be held: by a clock that is ahead what is new is dead too.
   */
  #giveUp(entry: Entry, step: Step): void {
    const { id, body } = entry.task;
    const register = this.#parts.registers.current(id);
    const isLeased = register !== undefined && liveLease(register.acceptor, step.monoMs) !== null;
    const since = (isLeased ? undefined : this.#dead.get(id)) ?? step.monoMs;
    this.#dead.set(id, since);
    if (step.monoMs - since < this.#parts.config.timing.healAfterMs) return;
    step.emit({ type: 'never-begun', task: id, key: body.key, title: body.title });
    this.#forget(entry, step);
    step.emit({ type: 'task', task: id });
  }

  /** ended → buried. */
  #bury(entry: Entry, step: Step): void {
    const tombstone = entry.stamp && tombstoneOf(entry.task, entry.state, entry.stamp);
    if (tombstone !== null) this.#parts.catalogue.tombstones.lay(tombstone, step);
    this.#forget(entry, step);
  }

  #forget({ task: { id }, state }: Entry, step: Step): void {
    const { catalogue, registers, healing } = this.#parts;
    const { seats, leaders, worker, bidder } = this.#mourners;
    this.#dead.delete(id);
    leaders.forget(id, step);
    seats.close(id);
    healing.forget(id);
    bidder.forget(id);
    worker.forget(id, step);
    if (!isTerminal(state)) step.forgetCheckpoints(id);
    catalogue.forget(id, registers.close(id), step);
  }
}
