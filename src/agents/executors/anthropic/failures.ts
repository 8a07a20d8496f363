import { APIError } from '@anthropic-ai/sdk';
import { type WallMs, wallMs } from '../../../protocol/ids.ts';
import { clip } from '../../lines.ts';
import { wantOfMoney } from '../refusals.ts';

/** What a call that failed means for the run. */
export type Verdict =
  /** It passes by itself; `waitMs` where the API has said how soon. */
  | { readonly type: 'passing'; readonly reason: string; readonly waitMs: number | null }
  /** This PC can use no model until then, or until a person has mended it. */
  | { readonly type: 'quota'; readonly reason: string; readonly until: WallMs | null }
  | { readonly type: 'too-long'; readonly reason: string }
  | { readonly type: 'final'; readonly reason: string };

/** Whoever has to wait longer than this makes room for another peer. */
const longestWaitMs = 120_000;
const tooLong = /prompt is too long|exceeds? (?:the )?context (?:limit|window)|request_too_large/i;

/** Judges what the SDK has thrown for a call. */
export function judge(error: unknown, now: WallMs): Verdict {
  if (!(error instanceof APIError)) return passing(`the connection to the API broke: ${messageOf(error)}`);
  const reason = `${error.status ?? 'no status'} ${error.type ?? ''}: ${error.apiMessage ?? messageOf(error)}`;
  const noMoney = wantOfMoney(error.apiMessage ?? '', now);
  if (noMoney !== null || error.type === 'billing_error') {
    return { type: 'quota', reason: `the API's account can spend no more (${reason})`, until: noMoney?.until ?? null };
  }
  if (isStatus(error, 401, 'authentication_error') || isStatus(error, 403, 'permission_error')) {
    const mend = 'set ANTHROPIC_API_KEY to a valid one and start the peer again';
    return { type: 'quota', reason: `the API key was rejected (${reason}): ${mend}`, until: null };
  }
  if (isStatus(error, 429, 'rate_limit_error')) return limited(error, reason, now);
  if (error.status === 413 || tooLong.test(reason)) return { type: 'too-long', reason };
  if (error.status === undefined) {
    const isOurs = error.type === null || error.type === 'overloaded_error' || error.type === 'api_error';
    return isOurs ? passing(`the connection to the API broke: ${messageOf(error)}`) : { type: 'final', reason };
  }
  if (error.status >= 500 || error.status === 408 || error.status === 409) {
    return { ...passing(`the API is in trouble (${reason})`), waitMs: retryAfterMs(error.headers, now) };
  }
  return { type: 'final', reason: `the API refused the call (${reason})` };
}

const passing = (reason: string): Extract<Verdict, { type: 'passing' }> => ({ type: 'passing', reason, waitMs: null });

/** In the middle of a stream there is no status of its own, only the type. */
const isStatus = ({ status, type }: APIError, expected: number, name: string): boolean =>
  status === expected || type === name;

function limited({ headers }: APIError, reason: string, now: WallMs): Verdict {
  const reset = planReset(headers);
  const waitMs = retryAfterMs(headers, now) ?? (reset === null ? null : Math.max(0, reset - now));
  const isPlansEnd = headers?.get('anthropic-ratelimit-unified-status') === 'rejected';
  if (isPlansEnd || (waitMs ?? 0) > longestWaitMs) {
    const until = isPlansEnd && reset !== null ? reset : wallMs(Math.ceil(now + (waitMs ?? longestWaitMs)));
    return { type: 'quota', reason: `the API's limit is reached (${reason})`, until };
  }
  return { ...passing(`the API asks to wait (${reason})`), waitMs };
}

/** When a plan's limit ends: told in seconds since the epoch. */
function planReset(headers: Headers | undefined): WallMs | null {
  const seconds = Number(headers?.get('anthropic-ratelimit-unified-reset') || Number.NaN);
  return Number.isFinite(seconds) ? wallMs(Math.ceil(seconds * 1_000)) : null;
}

/** `retry-after` is a number of seconds, or a date. */
function retryAfterMs(headers: Headers | undefined, now: WallMs): number | null {
  const given = headers?.get('retry-after') ?? null;
  if (given === null || given === '') return null;
  const seconds = Number(given);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(given) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

const messageOf = (error: unknown): string => {
  const { message, cause } = error instanceof Error ? error : { message: String(error), cause: undefined };
  return clip(cause instanceof Error && cause.message !== message ? `${message} ${cause.message}` : message, 500);
};
