import { usdText } from '../../protocol/money.ts';
import type { ExecutorEvent, ExecutorOutcome } from './executor.ts';
import { larger, minus, noUsage, plus, type Usage } from './usage.ts';

type Failed = Extract<ExecutorOutcome, { type: 'failed' }>;

/**
 * What one run uses of the model, by the answers that pass through its gate. An agent has a shell and knows the gate's
 * pass: its own account may lack calls, or be made up. Where that account tells more, it counts.
 */
export class Meter {
  readonly #limitUsd: number | null;
  readonly #onEvent: (event: ExecutorEvent) => void;
  #passed = noUsage;
  #told = noUsage;
  #refusal: string | null = null;

  /** `limitUsd` null: nobody is billed, so nothing costs anything. */
  constructor(limitUsd: number | null, onEvent: (event: ExecutorEvent) => void) {
    this.#limitUsd = limitUsd;
    this.#onEvent = onEvent;
  }

  /** A call begins. What this returns takes what the call has used so far, as often as that is known. */
  begin(): (used: Usage) => void {
    let counted = noUsage;
    return (used) => {
      const now = larger(counted, used);
      this.#passed = plus(this.#passed, minus(now, counted));
      counted = now;
      this.#tell();
    };
  }

  /** The agent's own account of the run so far. */
  hear(told: Usage): void {
    this.#told = larger(this.#told, told);
    this.#tell();
  }

  /** Why no further call is let through; null while something is left. */
  refuse(): string | null {
    const { costUsd } = this.#passed;
    if (this.#limitUsd === null || costUsd < this.#limitUsd) return null;
    this.#refusal = `the budget of ${usdText(this.#limitUsd)} is spent (${usdText(costUsd)})`;
    return this.#refusal;
  }

  /** What a run has failed for that was refused a call, whatever came of that in the agent. */
  check<Outcome extends { readonly type: string }>(outcome: Outcome): Outcome | Failed {
    if (outcome.type !== 'failed' || this.#refusal === null) return outcome;
    return { type: 'failed', reason: this.#refusal };
  }

  #tell(): void {
    const { costUsd, ...tokens } = larger(this.#passed, this.#told);
    this.#onEvent({ type: 'usage', ...tokens, costUsd: this.#limitUsd === null ? null : costUsd });
  }
}
