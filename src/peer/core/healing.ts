import { electorateSize, isOffAim, majorityOf, nextElectorate } from '../../election/electorate.ts';
import type { Generation } from '../../protocol/generation.ts';
import type { GenerationId, MonoMs, PeerId, TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Membership } from './membership.ts';
import { randomHex } from './random.ts';

/**
 * When a task's electorate is to be moved, and whereto: it aims at the size that the mesh affords, of peers that are
 * there. A loss is waited out, since most PCs come back; one that says goodbye, or a generation without a quorum, is
 * not.
 */
export class Healing {
  readonly #timing: Timing;
  readonly #membership: Membership;
  readonly #random: () => number;
  /** Since when a task's electorate has another size than it should. */
  readonly #wrongSizeSince = new Map<TaskId, MonoMs>();

  constructor(timing: Timing, membership: Membership, random: () => number) {
    this.#timing = timing;
    this.#membership = membership;
    this.#random = random;
  }

  get held(): number {
    return this.#wrongSizeSince.size;
  }

  /** Looked at now and then: how long something has been so is counted from the first look. */
  look(task: TaskId, { electorate }: Generation, now: MonoMs): void {
    const isRight = electorate.length === electorateSize(this.#membership.staying().length);
    if (isRight) this.#wrongSizeSince.delete(task);
    else if (!this.#wrongSizeSince.has(task)) this.#wrongSizeSince.set(task, now);
  }

  forget(task: TaskId): void {
    this.#wrongSizeSince.delete(task);
  }

  /** The leader should move the task now. */
  isDue(task: TaskId, { electorate, forced }: Generation, now: MonoMs): boolean {
    const staying = this.#membership.staying();
    if (staying.length === 0 || !isOffAim(electorate, staying)) return false;
    if ((forced && staying.length > 1) || electorate.some((peer) => this.#membership.isLeaving(peer))) return true;
    const since = this.#wrongSizeSince.get(task);
    return (
      (since !== undefined && now - since >= this.#timing.healAfterMs) ||
      electorate.some((peer) => this.#isLost(peer, now))
    );
  }

  /** The survivor of an electorate of two takes the task over: a majority of two is both, and one is gone. */
  mayTakeOver({ electorate }: Generation, self: PeerId, now: MonoMs): boolean {
    if (electorate.length !== 2 || !electorate.includes(self) || this.#membership.isLeaving(self)) return false;
    return electorate.some((peer) => peer !== self && this.#isLost(peer, now));
  }

  /** Handed over by whoever leads, if there is a majority to lead it and somebody to take it. */
  canMove({ electorate }: Generation): boolean {
    const up = electorate.filter((peer) => this.#membership.isUp(peer)).length;
    return up >= majorityOf(electorate.length) && this.#membership.staying().length > 0;
  }

  /** The next generation by a majority of this one. */
  successor(task: Task, { number, electorate }: Generation): Generation {
    const next = nextElectorate(electorate, this.#membership.staying(), task.body.nonce);
    return { number: number + 1, id: this.#newId(), electorate: next, forced: false };
  }

  /** One without a majority of the last: a fork may come of it. */
  forcedSuccessor({ number }: Pick<Generation, 'number'>, electorate: readonly PeerId[]): Generation {
    return { number: number + 1, id: this.#newId(), electorate, forced: true };
  }

  #isLost(peer: PeerId, now: MonoMs): boolean {
    return this.#membership.goneForMs(peer, now) >= this.#timing.healAfterMs;
  }

  #newId(): GenerationId {
    return randomHex(this.#random).slice(0, 16) as GenerationId;
  }
}
