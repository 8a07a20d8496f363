import type { MessagePort } from 'node:worker_threads';
import type { RunOptions, RunResult, Violation } from '../../test/sim/result.ts';

/** What every seed of a swarm has in common. */
export type SwarmRun = Omit<RunOptions, 'seed' | 'onProgress'>;

/** What is left of a run once it is over: a swarm of many thousands keeps no more. */
export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Of the events that matter for the first violation, the last; a replay shows more of them. */
  readonly lastEvents: readonly string[];
  readonly occurred: Partial<RunResult['occurred']>;
  readonly virtualMs: number;
  /** Why there is no result: the run threw. */
  readonly error: string | null;
}

const keptEvents = 20;

export function answerSeeds(port: MessagePort | null, common: SwarmRun, run: (options: RunOptions) => RunResult): void {
  port?.on('message', (seed: number) => port.postMessage(reportOf({ ...common, seed }, run)));
}

function reportOf(options: RunOptions, run: (options: RunOptions) => RunResult): SeedReport {
  try {
    const { seed, violations, lastEvents, occurred, virtualMs } = run(options);
    return { seed, violations, lastEvents: lastEvents.slice(-keptEvents), occurred, virtualMs, error: null };
  } catch (error) {
    return failedSeed(options.seed, error);
  }
}

export function failedSeed(seed: number, error: unknown): SeedReport {
  const text = error instanceof Error ? error.message : String(error);
  return { seed, violations: [], lastEvents: [], occurred: {}, virtualMs: 0, error: text };
}
