import { expect, test } from 'vitest';
import { judgeTip } from '../../../src/agents/publish/tip.ts';
import type { CommitId, TaskId } from '../../../src/protocol/ids.ts';

const commit = (digit: string) => digit.repeat(40) as CommitId;
const task = 'a'.repeat(64) as TaskId;
const other = 'b'.repeat(64) as TaskId;
const own = { task, attempt: 2, commit: commit('1') };
const judge = (tip: Parameters<typeof judgeTip>[0]) => judgeTip(tip, own, 'peer/issue-7');

test('a branch that is not there is made', () => {
  expect(judge(null)).toEqual({ type: 'push', expectedTip: null });
});

test('what an earlier attempt has pushed is replaced', () => {
  expect(judge({ commit: commit('2'), task, attempt: 1 })).toEqual({ type: 'push', expectedTip: commit('2') });
});

test('our own commit is there already, whatever its trailers say', () => {
  expect(judge({ commit: own.commit, task: null, attempt: null })).toEqual({ type: 'there', commit: own.commit });
});

test.each([2, 3])('the result of attempt %i is adopted by attempt 2', (attempt) => {
  expect(judge({ commit: commit('3'), task, attempt })).toEqual({ type: 'there', commit: commit('3') });
});

test.each([
  ['a person', { task: null, attempt: null }, /not the mesh/],
  ['a person, with half of a trailer', { task, attempt: null }, /work of task/],
  ['another task', { task: other, attempt: 1 }, /work of task bbbbbbbb/],
])('what %s has pushed is never overwritten', (_, trailers, reason) => {
  expect(judge({ commit: commit('4'), ...trailers })).toEqual({ type: 'taken', reason: expect.stringMatching(reason) });
});
