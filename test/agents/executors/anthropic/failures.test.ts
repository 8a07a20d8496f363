import { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { judge } from '../../../../src/agents/executors/anthropic/failures.ts';
import { wallMs } from '../../../../src/protocol/ids.ts';

const now = wallMs(Date.parse('2026-11-30T12:00:00Z'));
const inMs = (ms: number): number => now + ms;

/** As the SDK makes one of an answer. */
const refused = (status: number, type: string, message: string, headers: Record<string, string> = {}): APIError =>
  APIError.generate(status, { type: 'error', error: { type, message } }, undefined, new Headers(headers));
/** As the SDK makes one of an event in the middle of a stream. */
const inStream = (type: string): APIError =>
  new APIError(undefined, { type: 'error', error: { type, message: 'Oh' } }, undefined, new Headers(), type as never);

test.each<[string, unknown, object]>([
  ['a bad key', refused(401, 'authentication_error', 'invalid'), { type: 'quota', until: null }],
  ['no right', refused(403, 'permission_error', 'no'), { type: 'quota', until: null }],
  [
    'no credit',
    refused(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
    { type: 'quota', until: null },
  ],
  ['a bill', refused(402, 'billing_error', 'pay'), { type: 'quota', until: null }],
  [
    'a limit that a person has set',
    refused(
      400,
      'invalid_request_error',
      'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
    ),
    { type: 'quota', until: Date.parse('2026-12-01T00:00:00Z') },
  ],
  ['a short limit', refused(429, 'rate_limit_error', 'x', { 'retry-after': '7' }), { type: 'passing', waitMs: 7_000 }],
  ['a limit without a time', refused(429, 'rate_limit_error', 'x'), { type: 'passing', waitMs: null }],
  [
    'a long limit',
    refused(429, 'rate_limit_error', 'x', { 'retry-after': '3600' }),
    { type: 'quota', until: inMs(3_600_000) },
  ],
  [
    'a limit until a date',
    refused(429, 'rate_limit_error', 'x', { 'retry-after': 'Mon, 30 Nov 2026 12:30:00 GMT' }),
    { type: 'quota', until: inMs(1_800_000) },
  ],
  [
    'a plan’s limit, however soon it says to ask again',
    refused(429, 'rate_limit_error', 'x', {
      'retry-after': '5',
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(inMs(60_000) / 1_000),
    }),
    { type: 'quota', until: inMs(60_000) },
  ],
  ['a long prompt', refused(400, 'invalid_request_error', 'prompt is too long: 2 > 1'), { type: 'too-long' }],
  ['a large request', refused(413, 'request_too_large', 'too large'), { type: 'too-long' }],
  [
    'a bad request that speaks of money',
    refused(400, 'invalid_request_error', 'Your credit balance is too low: Extra inputs are not permitted'),
    { type: 'final' },
  ],
  ['a bad request', refused(400, 'invalid_request_error', 'tools: no'), { type: 'final' }],
  ['an unknown model', refused(404, 'not_found_error', 'model: x'), { type: 'final' }],
  ['an overload', refused(529, 'overloaded_error', 'x', { 'retry-after': '2' }), { type: 'passing', waitMs: 2_000 }],
  ['a fault', refused(500, 'api_error', 'x'), { type: 'passing', waitMs: null }],
  ['an overload in a stream', inStream('overloaded_error'), { type: 'passing' }],
  ['a limit in a stream', inStream('rate_limit_error'), { type: 'passing', waitMs: null }],
  ['a bad request in a stream', inStream('invalid_request_error'), { type: 'final' }],
  ['no connection', new APIConnectionError({ message: 'x' }), { type: 'passing' }],
  ['a stream that was cut', new Error('terminated'), { type: 'passing' }],
])('%s', (_, error, verdict) => {
  expect(judge(error, now)).toMatchObject(verdict);
});
