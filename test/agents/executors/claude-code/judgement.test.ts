import { expect, test } from 'vitest';
import { type Ended, judge, type Verdict } from '../../../../src/agents/executors/claude-code/judgement.ts';
import type { LimitedExit } from '../../../../src/agents/executors/limited.ts';
import { wallMs } from '../../../../src/protocol/ids.ts';
import { hear, recorded } from './support.ts';

const exited = (code: number | null, signal: string | null = null): LimitedExit => ({ type: 'exited', code, signal });
const now = wallMs(1_000_000);

const verdictOf = (lines: readonly string[], exit: LimitedExit, more: Partial<Ended> = {}): Verdict =>
  judge({
    exit,
    transcript: hear(lines).transcript,
    complaints: [],
    limits: { wallMs: 60_000, idleMs: 30_000, turns: 2, costUsd: null },
    login: { type: 'api-key', key: 'a key' },
    limitEnd: null,
    now,
    ...more,
  });

test('finished, with its account of the work', () => {
  expect(verdictOf(recorded('finished'), exited(0))).toEqual({
    type: 'finished',
    summary: 'All done.\nTwo files were written.',
  });
});

test.each<[string, object]>([
  ['bad-key', { type: 'quota', until: null, reason: expect.stringMatching(/API key was rejected.*ANTHROPIC_API_KEY/) }],
  ['no-credit', { type: 'quota', until: null, reason: expect.stringMatching(/credit/) }],
  ['plan-limit', { type: 'quota', until: 1_800_000_000_000, reason: expect.stringMatching(/5-hour limit/) }],
  ['rate-limited', { type: 'quota', until: now + 600_000, reason: expect.stringMatching(/does not say until when/) }],
  ['overloaded', { type: 'failed', reason: expect.stringMatching(/529/) }],
  ['max-turns', { type: 'failed', reason: expect.stringMatching(/2 turns/) }],
  ['budget', { type: 'failed', reason: expect.stringMatching(/budget.*0\.015/) }],
  ['no-conversation', { type: 'no-session' }],
])('%s, as the real CLI tells it', (name, verdict) => {
  // Most of these end with the subtype `success`.
  expect(verdictOf(recorded(name), exited(1))).toEqual(verdict);
});

test('a limit ends when the API has said', () => {
  const limitEnd = wallMs(5_000_000);
  expect(verdictOf(recorded('rate-limited'), exited(1), { limitEnd })).toMatchObject({ until: limitEnd });
});

test('a plan’s login may be made anew at any time', () => {
  const verdict = verdictOf(recorded('bad-key'), exited(1), { login: { type: 'plan' } });
  expect(verdict).toMatchObject({ until: now + 600_000, reason: expect.stringContaining('/login') });
});

test('a denial alone is no failure', () => {
  expect(verdictOf(recorded('denied'), exited(0))).toMatchObject({ type: 'finished' });
});

test('a stream that was cut once is forgotten', () => {
  expect(verdictOf(recorded('cut-once'), exited(0))).toMatchObject({ type: 'finished' });
});

test('no result is a failure, also with exit code 0', () => {
  const lines = recorded('finished').slice(0, -1);
  expect(verdictOf(lines, exited(0), { complaints: ['out of memory'] })).toEqual({
    type: 'failed',
    reason: 'Claude Code ended with exit code 0 and told no result; its last output: out of memory',
  });
  expect(verdictOf(lines, exited(null, 'SIGKILL'))).toMatchObject({ reason: expect.stringContaining('SIGKILL') });
});

test('work that it has said is done counts, where it then did not end', () => {
  expect(verdictOf(recorded('finished'), { type: 'silent' })).toMatchObject({ type: 'finished' });
  expect(verdictOf(recorded('finished').slice(0, -1), { type: 'silent' })).toEqual({
    type: 'failed',
    reason: 'the agent was stopped after 30 s without output',
  });
});

test('interrupted, whatever it had said', () => {
  expect(verdictOf(recorded('finished').slice(0, 10), { type: 'interrupted' })).toEqual({ type: 'interrupted' });
});

test('a program that could not begin', () => {
  expect(verdictOf([], { type: 'not-started', reason: 'ENOENT' })).toMatchObject({
    type: 'failed',
    reason: expect.stringContaining('ENOENT'),
  });
});
