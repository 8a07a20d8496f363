import { z } from 'zod';
import { type WallMs, wallMs } from '../../protocol/ids.ts';
import type { GateAnswer, GateWatch } from './api-call.ts';
import type { ExecutorOutcome } from './executor.ts';

type Quota = Extract<ExecutorOutcome, { type: 'quota' }>;

/** The API has refused this PC's login, its money or its pace. `until` null: it does not say for how long. */
export interface Refusal {
  readonly until: WallMs | null;
}

/** What the API has not said itself lasts no longer: the agent is asked again. */
const guessedPauseMs = 10 * 60_000;

/** What the API has stated itself lasts no longer: a limit of a month ends with that. */
const longestPauseMs = 32 * 24 * 60 * 60_000;

/**
 * An account that is empty, or has reached a limit of its own, is told of in words only. The whole message is looked at:
 * what the API says of a request that it does not take has the agent's own words in it.
 */
const noMoney = [
  /^Your credit balance is too low to access the (?:Anthropic|Claude) API\.(?: Please go to Plans & Billing to upgrade or purchase credits\.)?$/,
  /^You're out of extra usage\. (?:Add more at claude\.ai\/settings\/usage and|Ask your workspace admin to add more so you can) keep going\.$/,
  /^You have reached your specified (?:[\w-]+ ){0,3}usage limits\. You will regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC\.$/,
];

/** The API's account can spend no more, by the message of its error; null for any other message. */
export function wantOfMoney(message: string, now: WallMs): Refusal | null {
  const told = noMoney.flatMap((one) => one.exec(message) ?? []);
  if (told.length === 0) return null;
  const [, day, time] = told;
  return { until: day === undefined ? null : within(Date.parse(`${day}T${time}:00Z`), now) };
}

/** Null for what is no time, or beyond all sense. */
const within = (atMs: number, now: WallMs): WallMs | null => (atMs <= now + longestPauseMs ? wallMs(atMs) : null);

const errorSchema = z.object({ type: z.literal('error'), error: z.object({ type: z.string(), message: z.string() }) });

/** The API's own error, which whatever stands in front of it does not know to make; null for any other text. */
function errorIn(text: string): z.infer<typeof errorSchema>['error'] | null {
  try {
    return errorSchema.safeParse(JSON.parse(text)).data?.error ?? null;
  } catch {
    return null;
  }
}

/** Null for an answer that is none. */
export function refusalOf({ status, headers, text }: GateAnswer, now: WallMs): Refusal | null {
  switch (status) {
    case 400:
      return wantOfMoney(errorIn(text)?.message ?? '', now);
    case 401:
    case 402:
      return { until: null };
    case 403:
      return errorIn(text) === null ? null : { until: null };
    case 429:
      return { until: limitEnd(headers, now) };
    default:
      return null;
  }
}

/** When the limit that an answer of status 429 tells of ends. */
function limitEnd(headers: GateAnswer['headers'], now: WallMs): WallMs | null {
  const reset = secondsIn(headers['anthropic-ratelimit-unified-reset']);
  if (headers['anthropic-ratelimit-unified-status'] === 'rejected' && reset !== null) return within(reset * 1_000, now);
  const wait = secondsIn(headers['retry-after']);
  return wait === null ? null : within(now + wait * 1_000, now);
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
