import { setTimeout as sleep } from 'node:timers/promises';
import { Octokit } from '@octokit/rest';
import { clip, oneLine } from '../lines.ts';
import { ForgeError } from './errors.ts';
import type { GitHubSettings } from './settings.ts';

const RequestTimeoutMs = 15_000;
/** Pauses before a request is repeated, in milliseconds. */
const DefaultPausesMs: readonly number[] = [300, 1_500];
/** A rate limit that ends sooner is waited for; a later end is for a person to know. */
const MaxWaitMs = 10_000;

/** How patient one is. */
export interface Patience {
  /** Before a failed reading is repeated, in milliseconds; none where it is not to be. */
  readonly pausesMs?: readonly number[] | undefined;
  /** Ends every request. */
  readonly signal?: AbortSignal | undefined;
}

/** An Octokit whose every request has a time-out, is repeated where that is safe, and fails with a ForgeError only. */
export function createOctokit(settings: GitHubSettings, patience: Patience = {}): Octokit {
  const { pausesMs = DefaultPausesMs, signal } = patience;
  const octokit = new Octokit({
    baseUrl: settings.apiUrl,
    userAgent: 'issue-mesh',
    ...(settings.token === null ? {} : { auth: settings.token }),
    request: { fetch: fetchWithin(signal) },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  octokit.hook.wrap('request', async (request, options) => {
    options.headers['x-github-api-version'] = '2022-11-28';
    for (const pauseMs of pausesMs) {
      try {
        return await request(options);
      } catch (error) {
        const waitMs = waitBeforeRepeat(error, options.method, pauseMs);
        if (waitMs === null) throw forgeError(error, options, settings);
        await sleep(waitMs);
      }
    }
    try {
      return await request(options);
    } catch (error) {
      throw forgeError(error, options, settings);
    }
  });
  return octokit;
}

const silent = (): void => {};

const fetchWithin =
  (signal: AbortSignal | undefined) =>
  (url: string, init: RequestInit): Promise<Response> => {
    const timeout = AbortSignal.timeout(RequestTimeoutMs);
    return fetch(url, { ...init, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  };

/** What Octokit throws; `response` is missing where there was none. */
interface HttpFailure extends Error {
  readonly status: number;
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

const isHttpFailure = (error: unknown): error is HttpFailure =>
  error instanceof Error && 'status' in error && typeof error.status === 'number';

/** Null: not to be repeated. Only reading is repeated after a failure, since a write may have been done before it. */
function waitBeforeRepeat(error: unknown, method: string, pauseMs: number): number | null {
  if (!isHttpFailure(error)) return null;
  if (isRateLimit(error)) {
    const waitMs = rateLimitMs(error);
    return waitMs !== null && waitMs <= MaxWaitMs ? Math.max(waitMs, pauseMs) : null;
  }
  return method === 'GET' && (error.response === undefined || error.status >= 500) ? pauseMs : null;
}

const header = (failure: HttpFailure, name: string): string | null => {
  const value = failure.response?.headers[name];
  return value === undefined ? null : String(value);
};

/** 403 means a missing right as well: a rate limit says so in a header or in words. */
const isRateLimit = (failure: HttpFailure): boolean =>
  failure.status === 429 ||
  (failure.status === 403 &&
    (header(failure, 'retry-after') !== null ||
      header(failure, 'x-ratelimit-remaining') === '0' ||
      /rate limit/i.test(failure.message)));

/** Until the limit ends; null where GitHub does not say. */
function rateLimitMs(failure: HttpFailure): number | null {
  const retryAfterS = Number(header(failure, 'retry-after') ?? Number.NaN);
  if (Number.isFinite(retryAfterS)) return retryAfterS * 1_000;
  const resetS = Number(header(failure, 'x-ratelimit-reset') ?? Number.NaN);
  return Number.isFinite(resetS) ? Math.max(0, resetS * 1_000 - Date.now()) : null;
}

/** What was asked for, in a person's words: `owner/name#7`. */
function subjectOf(options: Readonly<Record<string, unknown>>): string {
  const { owner, repo, issue_number: issue, pull_number: pull } = options;
  if (typeof owner !== 'string' || typeof repo !== 'string') return 'this';
  const number = issue ?? pull;
  return `${owner}/${repo}${typeof number === 'number' ? `#${number}` : ''}`;
}

function forgeError(error: unknown, options: { readonly method: string }, settings: GitHubSettings): unknown {
  if (!isHttpFailure(error)) return error;
  const subject = subjectOf({ ...options });
  const isWrite = options.method !== 'GET';
  const { status } = error;
  const of = (code: ForgeError['code'], what: string, mend: string): ForgeError =>
    new ForgeError(code, what, mend, error.response === undefined ? null : status, { cause: error });
  if (error.response === undefined || status >= 500) return unreachable(error, settings);
  if (isRateLimit(error))
    return of('rate-limited', `GitHub's rate limit is used up (${status})`, laterMend(error, settings));
  switch (status) {
    case 401:
      return of('unauthorized', 'GitHub refused the token (401)', 'set GITHUB_TOKEN to a valid one');
    case 403:
    case 451:
      return of(
        'forbidden',
        `GitHub forbids ${isWrite ? 'writing to' : 'reading'} ${subject} (${said(error)})`,
        rightsMend(settings, isWrite),
      );
    case 404:
    case 410:
      return of('not-found', `GitHub shows no ${subject} (${status})`, missingMend(settings, isWrite));
    default:
      return of('invalid', `GitHub refused the request about ${subject} (${status})`, said(error));
  }
}

/** GitHub's own words. */
const said = (error: HttpFailure): string => clip(oneLine(error.message.replace(/ - https?:\/\/\S+$/, ''), 300), 300);

function unreachable(error: HttpFailure, { apiUrl }: GitHubSettings): ForgeError {
  const hasAnswer = error.response !== undefined;
  const what = hasAnswer ? `GitHub failed (${error.status})` : `GitHub cannot be reached at ${apiUrl} (${said(error)})`;
  const mend = hasAnswer ? 'try again later' : 'check the network, and GITHUB_API_URL if it is set';
  return new ForgeError('network', what, mend, hasAnswer ? error.status : null, { cause: error });
}

function laterMend(error: HttpFailure, { token }: GitHubSettings): string {
  if (token === null) return 'set GITHUB_TOKEN, which allows many more requests';
  const waitMs = rateLimitMs(error);
  return waitMs === null ? 'try again in a few minutes' : `try again in ${Math.ceil(waitMs / 60_000)} min`;
}

const rightsMend = ({ token }: GitHubSettings, isWrite: boolean): string =>
  token === null
    ? 'set GITHUB_TOKEN'
    : isWrite
      ? 'give the token the rights to write contents and pull requests'
      : 'give the token the right to read it';

const missingMend = ({ token }: GitHubSettings, isWrite: boolean): string =>
  token === null
    ? 'check its name, or set GITHUB_TOKEN if it is private'
    : `check its name, and that the token may ${isWrite ? 'write' : 'read'} it`;
