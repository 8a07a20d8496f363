import { expect, test } from 'vitest';
import { isSaved } from '../../../src/agents/attempt/work.ts';
import type { Verdict } from '../../../src/agents/verify/verdict.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';

const finished = (verdict: Verdict) =>
  ({ type: 'finished', summary: null, commit: 'a'.repeat(40) as CommitId, verdict }) as const;

/** An attempt can be handed over at any moment: what tests have left in the clone must not be saved as its work. */
test.each([
  ['tests have passed', finished({ type: 'passed', command: 'make test' }), true],
  ['tests have failed', finished({ type: 'failed', command: 'make test', how: 'ended', tail: '' }), true],
  ['nothing was run', finished({ type: 'not-run', reason: null }), false],
  ['tests were stopped', { type: 'interrupted', isSaved: true } as const, true],
  ['the agent was stopped', { type: 'interrupted', isSaved: false } as const, false],
  ['the agent has failed', { type: 'failed', reason: 'x' } as const, false],
])('where %s, the clone is saved already: %#', (_, outcome, expected) => {
  expect(isSaved(outcome)).toBe(expected);
});
