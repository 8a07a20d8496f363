import type { AgentHost } from '../agents.ts';
import type { Clockwork } from '../queue.ts';
import type { Random } from '../random.ts';

/** What was asked of the forge came to nothing, as far as the asking PC can tell. */
export const lost = Symbol('lost');

export type RequestKind = 'read' | 'push' | 'write';

/** How the way to the forge is. */
export interface WireTraits {
  /** The share of pushes that take minutes. */
  readonly slowPushes: number;
  /** The share of requests whose answer is lost; half of them were never carried out either. */
  readonly losses: number;
}

const soonMs = [50, 800] as const;
const pushMs = [200, 20_000] as const;
const slowPushMs = [20_000, 400_000] as const;
const writeMs = [100, 6_000] as const;
/** A request that is not answered by then has failed. */
const timeoutMs = 15_000;

/**
 * The way from every PC to the forge. What is under way when a process dies may still arrive, and so may a push that was
 * held up by its PC's sleep; nobody is told then.
 */
export class Wire {
  readonly #queue: Clockwork;
  readonly #random: Random;
  readonly #underWay = new Map<string, Set<{ stopped: boolean }>>();
  #traits: WireTraits;

  constructor(queue: Clockwork, random: Random, traits: WireTraits) {
    this.#queue = queue;
    this.#random = random;
    this.#traits = traits;
  }

  calmDown(): void {
    this.#traits = { slowPushes: 0, losses: 0 };
  }

  request<T>(host: AgentHost, kind: RequestKind, carryOut: () => T, answer: (result: T | typeof lost) => void): void {
    const fate = { stopped: false };
    const all = this.#underWay.get(host.peer) ?? new Set();
    this.#underWay.set(host.peer, all.add(fate));
    const isLost = this.#random.chance(this.#traits.losses);
    const arrives = !isLost || this.#random.chance(0.5);
    const arrive = (): void => {
      all.delete(fate);
      if (fate.stopped) return;
      const result = arrives ? carryOut() : lost;
      host.after(isLost ? timeoutMs : this.#random.between(...soonMs), () => answer(isLost ? lost : result));
    };
    this.#queue.after(this.#travelMs(kind), () => {
      if (!host.isAsleep() || this.#random.chance(0.5)) return arrive();
      // Half sent when the lid was closed. Nobody repeats a write after a sleep; git goes on.
      if (kind === 'push') host.after(this.#random.between(...soonMs), arrive);
      else host.after(timeoutMs, () => answer(lost));
    });
  }

  /** The process is gone: what it had sent in full arrives all the same. */
  killed(peer: string): void {
    for (const fate of this.#underWay.get(peer) ?? []) fate.stopped = this.#random.chance(0.5);
    this.#underWay.delete(peer);
  }

  #travelMs(kind: RequestKind): number {
    switch (kind) {
      case 'read':
        return this.#random.between(...soonMs);
      case 'write':
        return this.#random.magnitude(...writeMs);
      case 'push': {
        const [low, high] = this.#random.chance(this.#traits.slowPushes) ? slowPushMs : pushMs;
        return this.#random.magnitude(low, high);
      }
    }
  }
}
