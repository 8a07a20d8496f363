import { costOf } from '../prices.ts';
import type { EventUsage, ModelUsage } from './events.ts';

interface Totals {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

const none: Totals = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** What a run has used. While it goes on this is reckoned by the messages; at its end the CLI's own account counts. */
export class Spending {
  #settled = none;
  /** Messages that are complete, since the last account. */
  #reckoned = none;
  /** The message that each conversation is at: the agent's, or a subagent's. */
  readonly #open = new Map<string, { readonly model: string; readonly usage: EventUsage }>();

  begin(conversation: string, model: string, usage: EventUsage): void {
    this.#close(conversation);
    this.#open.set(conversation, { model, usage });
  }

  /** A message's end tells its output, and its input once more or not at all. */
  update(conversation: string, usage: EventUsage): void {
    const open = this.#open.get(conversation);
    if (open === undefined) return;
    const larger = (field: keyof EventUsage): number => Math.max(open.usage[field], usage[field]);
    this.#open.set(conversation, {
      model: open.model,
      usage: {
        input_tokens: larger('input_tokens'),
        output_tokens: larger('output_tokens'),
        cache_creation_input_tokens: larger('cache_creation_input_tokens'),
        cache_read_input_tokens: larger('cache_read_input_tokens'),
      },
    });
  }

  /** The CLI's account of all since the last one: it has seen what no message tells, subagents and titles. */
  settle(account: ModelUsage): void {
    this.#settled = Object.values(account).reduce(
      (sum, usage) =>
        plus(sum, {
          inputTokens: usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens,
          outputTokens: usage.outputTokens,
          costUsd: usage.costUSD,
        }),
      this.#settled,
    );
    this.#reckoned = none;
    this.#open.clear();
  }

  get totals(): Totals {
    return [...this.#open.values()].map(totalsOf).reduce(plus, plus(this.#settled, this.#reckoned));
  }

  #close(conversation: string): void {
    const open = this.#open.get(conversation);
    if (open !== undefined) this.#reckoned = plus(this.#reckoned, totalsOf(open));
  }
}

function totalsOf({ model, usage }: { readonly model: string; readonly usage: EventUsage }): Totals {
  const { input_tokens: input, output_tokens: output } = usage;
  const { cache_creation_input_tokens: cacheWrite, cache_read_input_tokens: cacheRead } = usage;
  return {
    inputTokens: input + cacheWrite + cacheRead,
    outputTokens: output,
    costUsd: costOf(model, { input, output, cacheWrite, cacheRead }),
  };
}

const plus = (a: Totals, b: Totals): Totals => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  costUsd: a.costUsd + b.costUsd,
});
