import type { CommandId } from '../../protocol/ids.ts';
import type { Bidder } from './bidder.ts';
import type { Generations } from './generations.ts';
import type { Leaders } from './leaders.ts';
import type { Seats } from './seats.ts';
import type { Step } from './step.ts';
import type { Worker } from './worker.ts';

interface DrainParts {
  readonly bidder: Bidder;
  readonly worker: Worker;
  readonly seats: Seats;
  readonly generations: Generations;
  readonly leaders: Leaders;
  readonly drainMs: number;
}

/**
 * A peer that is about to stop takes nothing more and hands everything over, while it still leads, so that it is all
 * written down: its attempts, its seats, and last its leases.
 */
export class Drain {
  readonly #parts: DrainParts;
  #command: CommandId | null = null;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  begin(id: CommandId, step: Step): void {
    const { bidder, worker, generations, leaders, drainMs } = this.#parts;
    this.#command = id;
    bidder.drain();
    worker.drain(step);
    generations.leave(step);
    leaders.considerAll(step);
    step.setTimer({ type: 'drain' }, drainMs);
  }

  /** Nothing is left to hand over: asked after every step. */
  consider(step: Step): void {
    const { worker, seats } = this.#parts;
    if (this.#command !== null && worker.isIdle && seats.areHandedOver()) this.end(step);
  }

  /** Done, or out of time. */
  end(step: Step): void {
    if (this.#command === null) return;
    const id = this.#command;
    this.#command = null;
    this.#parts.leaders.drain(step);
    step.reply(id, { type: 'drained' });
  }
}
