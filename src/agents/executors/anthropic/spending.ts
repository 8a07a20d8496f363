import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta';
import { costOf } from '../prices.ts';
import type { Tell } from './wire.ts';

/** What this run has used, summed over its calls. */
export class Spending {
  readonly #limitUsd: number;
  readonly #tell: Tell;
  #inputTokens = 0;
  #outputTokens = 0;
  #costUsd = 0;

  constructor(limitUsd: number, tell: Tell) {
    this.#limitUsd = limitUsd;
    this.#tell = tell;
  }

  /** Null while there is something left; else why there is not. */
  get end(): string | null {
    if (this.#costUsd < this.#limitUsd) return null;
    return `the budget of $${this.#limitUsd.toFixed(2)} is spent ($${this.#costUsd.toFixed(2)})`;
  }

  /** A call's usage, also of one that broke off. */
  add(model: string, usage: BetaUsage): void {
    const cacheWrite = usage.cache_creation_input_tokens ?? 0;
    const cacheRead = usage.cache_read_input_tokens ?? 0;
    const { input_tokens: input, output_tokens: output } = usage;
    this.#inputTokens += input + cacheWrite + cacheRead;
    this.#outputTokens += output;
    this.#costUsd += costOf(model, { input, output, cacheWrite, cacheRead });
    this.#tell({
      type: 'usage',
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
      costUsd: this.#costUsd,
    });
  }
}
