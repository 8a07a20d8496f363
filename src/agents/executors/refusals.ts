import { type WallMs, wallMs } from '../../protocol/ids.ts';
import type { ExecutorOutcome } from './executor.ts';
import type { GateAnswer, GateWatch } from './key-gate.ts';

type Quota = Extract<ExecutorOutcome, { type: 'quota' }>;

/** The API has refused this PC's login, its money or its pace. `until` null: it does not say for how long. */
export interface Refusal {
  readonly until: WallMs | null;
}

/** What the API has not said itself lasts no longer: the agent is asked again. */
const guessedPauseMs = 10 * 60_000;

/** An account that is empty, or has reached a limit of its own, is told of in words only. */
export const noMoney = /credit balance is too low|usage limits?\b|spend(?:ing)? limit/i;

/** `You will regain access on 2026-12-01 at 00:00 UTC.` */
export function regainAt(reason: string): WallMs | null {
  const [, day, time] = /regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC/.exec(reason) ?? [];
  // Of what is no date V8 makes one all the same, or none.
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}:00Z`);
  return Number.isFinite(at) ? wallMs(at) : null;
}

/** Null for an answer that is none. */
export function refusalOf({ status, headers, text }: GateAnswer, now: WallMs): Refusal | null {
  switch (status) {
    case 400:
      return noMoney.test(text) ? { until: regainAt(text) } : null;
    case 401:
    case 402:
    case 403:
      return { until: null };
    case 429:
      return { until: limitEnd(headers, now) };
    default:
      return null;
  }
}

/** When the limit that an answer of status 429 tells of ends. */
function limitEnd(headers: GateAnswer['headers'], now: WallMs): WallMs | null {
  const reset = secondsIn(headers['anthropic-ratelimit-unified-reset']);
  if (headers['anthropic-ratelimit-unified-status'] === 'rejected' && reset !== null) return wallMs(reset * 1_000);
  const wait = secondsIn(headers['retry-after']);
  return wait === null ? null : wallMs(now + wait * 1_000);
}

function secondsIn(header: GateAnswer['headers'][string]): number | null {
  return typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : null;
}

/**
 * What the API has refused in one run, by the gate. An agent's own word of it is not enough: whatever it starts can write to
 * its standard output, and who has run out of quota has not failed, so one task could take every peer out in turn.
 */
export class Refusals {
  #last: Refusal | null = null;

  readonly watch: GateWatch = (answer) => {
    this.#last = refusalOf(answer, wallNow()) ?? this.#last;
  };

  /** When what it has last refused ends; null where it has not said, or refused nothing. */
  get until(): WallMs | null {
    return this.#last?.until ?? null;
  }

  /** The outcome as far as the API bears it out. */
  check<Outcome extends { readonly type: string }>(outcome: Outcome | Quota): Outcome | ExecutorOutcome {
    if (!isQuota(outcome)) return outcome;
    const { until, reason } = outcome;
    if (this.#last === null) return { type: 'failed', reason: `${reason}; but the API has refused nothing` };
    if (this.#last.until !== null || until === null) return { ...outcome, until: this.#last.until };
    return { ...outcome, until: wallMs(Math.min(until, wallNow() + guessedPauseMs)) };
  }
}

const isQuota = (outcome: { readonly type: string }): outcome is Quota => outcome.type === 'quota';
const wallNow = (): WallMs => wallMs(Date.now());
