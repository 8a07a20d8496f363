import type { ExecutorEvent } from '../executors/executor.ts';

type Usage = Extract<ExecutorEvent, { type: 'usage' }>;

const nothing: Usage = { type: 'usage', inputTokens: 0, outputTokens: 0, costUsd: null };

/** An executor tells the totals of one run; an attempt may have several, and what it has cost never falls. */
export class AttemptUsage {
  #before = nothing;
  #now = nothing;

  /** What the attempt has cost by now, in USD; 0 where nobody says. */
  get spentUsd(): number {
    return sum(this.#before, this.#now).costUsd ?? 0;
  }

  /** The totals of the run under way; gives those of the attempt. */
  add(usage: Usage): Usage {
    this.#now = usage;
    return sum(this.#before, usage);
  }

  endRun(): void {
    this.#before = sum(this.#before, this.#now);
    this.#now = nothing;
  }
}

const sum = (a: Usage, b: Usage): Usage => ({
  type: 'usage',
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  costUsd: a.costUsd === null || b.costUsd === null ? (a.costUsd ?? b.costUsd) : a.costUsd + b.costUsd,
});
