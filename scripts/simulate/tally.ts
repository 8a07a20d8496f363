import { type NamedEvent, NamedEvents, type RunResult } from '../../test/sim/result.ts';
import type { SeedReport, SwarmRun } from './swarm-thread.ts';
import { replayOf } from './violations.ts';

export interface Failure extends Pick<SeedReport, 'seed' | 'violations' | 'lastEvents' | 'error'> {
  readonly replay: string;
}

export interface SwarmSummary {
  readonly profile: SwarmRun['profile'];
  /** Seeds that ended, failing ones included. */
  readonly seeds: number;
  readonly seedsPerMinute: number;
  readonly virtualMs: number;
  readonly failing: readonly Failure[];
  readonly occurred: RunResult['occurred'];
  /** Named events that no seed met; only hostile runs are expected to meet them. */
  readonly never: readonly string[];
  /** So many seeds that each named event must have occurred. */
  readonly isEnough: boolean;
  /** The seeds that were under way when it was interrupted; null: it was not. */
  readonly cutShort: readonly number[] | null;
}

const enoughSeeds = 500;

/** Sums up the reports of a swarm. */
export class Tally {
  readonly #run: SwarmRun;
  readonly #occurred: Record<NamedEvent, number>;
  readonly #failures: Failure[] = [];
  #seeds = 0;
  #virtualMs = 0;

  constructor(run: SwarmRun) {
    this.#run = run;
    this.#occurred = Object.fromEntries(NamedEvents.map((name) => [name, 0])) as RunResult['occurred'];
  }

  get seeds(): number {
    return this.#seeds;
  }

  get failing(): number {
    return this.#failures.length;
  }

  /** Returns what there is to tell of a seed that failed. */
  add({ seed, violations, lastEvents, occurred, virtualMs, error }: SeedReport): Failure | null {
    this.#seeds += 1;
    this.#virtualMs += virtualMs;
    for (const name of NamedEvents) this.#occurred[name] += occurred[name] ?? 0;
    if (violations.length === 0 && error === null) return null;
    const failure = { seed, violations, lastEvents, error, replay: replayOf({ ...this.#run, seed }) };
    this.#failures.push(failure);
    return failure;
  }

  summary(elapsedMs: number, cutShort: readonly number[] | null): SwarmSummary {
    const isHostile = this.#run.profile === 'hostile';
    return {
      profile: this.#run.profile,
      seeds: this.#seeds,
      seedsPerMinute: (this.#seeds * 60_000) / elapsedMs,
      virtualMs: this.#virtualMs,
      failing: this.#failures.toSorted((a, b) => a.seed - b.seed),
      occurred: this.#occurred,
      never: isHostile ? NamedEvents.filter((name) => this.#occurred[name] === 0) : [],
      isEnough: this.#seeds >= enoughSeeds,
      cutShort,
    };
  }
}
