import { usdText } from '../../protocol/money.ts';
import type { ExecutorEvent, ExecutorOutcome } from './executor.ts';
import { larger, minus, noUsage, plus, type Usage } from './usage.ts';

type Failed = Extract<ExecutorOutcome, { type: 'failed' }>;

/** One call of the model. */
export interface MeteredCall {
  /** What it has used so far, as often as that is known. */
  tell(used: Usage): void;
  /** It is over, and costs no more than was told. */
  end(): void;
}

/**
 * What one run uses of the model, by the calls that pass through its gate. An agent has a shell and knows the gate's
 * pass: its own account may lack calls, or be made up, and is not looked at.
 */
export class Meter {
  readonly #limitUsd: number | null;
  readonly #onEvent: (event: ExecutorEvent) => void;
  readonly #underWay = new Set<{ leftUsd: number }>();
  #used = noUsage;
  #refusal: string | null = null;

  /** `limitUsd` null: nobody is billed, so nothing costs anything. */
  constructor(limitUsd: number | null, onEvent: (event: ExecutorEvent) => void) {
    this.#limitUsd = limitUsd;
    this.#onEvent = onEvent;
  }

  /** A call begins, which may cost `mostUsd`. */
  begin(mostUsd: number): MeteredCall {
    let counted = noUsage;
    const reserved = { leftUsd: mostUsd };
    this.#underWay.add(reserved);
    const tell = (used: Usage): void => {
      const now = larger(counted, used);
      this.#used = plus(this.#used, minus(now, counted));
      counted = now;
      reserved.leftUsd = Math.max(0, mostUsd - now.costUsd);
      this.#tell();
    };
    return { tell, end: () => void this.#underWay.delete(reserved) };
  }

  /** Why no further call is let through; null while something is left. */
  refuse(): string | null {
    const { costUsd } = this.#used;
    if (this.#limitUsd === null || costUsd < this.#limitUsd) return null;
    this.#refusal = `the budget of ${usdText(this.#limitUsd)} is spent (${usdText(costUsd)})`;
    return this.#refusal;
  }

  /** Whether the calls under way may use up what is left. */
  get isPledged(): boolean {
    if (this.#limitUsd === null) return false;
    const reservedUsd = [...this.#underWay].reduce((sum, { leftUsd }) => sum + leftUsd, 0);
    return this.#used.costUsd + reservedUsd >= this.#limitUsd;
  }

  /** What a run has failed for that was refused a call, whatever came of that in the agent. */
  check<Outcome extends { readonly type: string }>(outcome: Outcome): Outcome | Failed {
    if (outcome.type !== 'failed' || this.#refusal === null) return outcome;
    return { type: 'failed', reason: this.#refusal };
  }

  #tell(): void {
    const { costUsd, ...tokens } = this.#used;
    this.#onEvent({ type: 'usage', ...tokens, costUsd: this.#limitUsd === null ? null : costUsd });
  }
}
