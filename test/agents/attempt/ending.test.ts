import { expect, test } from 'vitest';
import { endingOf } from '../../../src/agents/attempt/ending.ts';
import { WorkspaceError, type WorkspaceErrorCode } from '../../../src/agents/workspace/errors.ts';

test.each(['EACCES', 'ENOSPC', 'EMFILE'])('%s is this PC’s trouble only until an agent has begun', (code) => {
  const error = Object.assign(new Error('why'), { code });
  expect(endingOf(error, 1)).toEqual({ type: 'refused', reason: 'why' });
  expect(endingOf(error, 1, true)).toEqual({ type: 'failed', final: false, reason: 'why', costUsd: 1 });
});

test.each<[WorkspaceErrorCode, object]>([
  ['no-space', { type: 'refused' }],
  ['mirror-in-use', { type: 'refused' }],
  ['no-such-branch', { type: 'failed', final: true }],
  ['bad-result', { type: 'failed', final: false }],
])('%s ends the attempt here, and the task only where no PC could do better', (code, ending) => {
  expect(endingOf(new WorkspaceError(code, 'why'), 1)).toMatchObject({ ...ending, reason: 'why' });
});
