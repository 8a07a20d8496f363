import { describe, expect, it } from 'vitest';
import { type CommitId, runIdOf, type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import { endAttempt, startPublishing } from '../../../src/protocol/state.ts';
import type { Observation } from '../observation.ts';
import {
  accepts,
  assignedTo,
  commits,
  doneWith,
  found,
  publication,
  recorded,
  task,
  taskOf,
  versionOf,
} from './histories.ts';

describe('I3', () => {
  const place = 'acme/shop:peer/issue-1';
  const pushes = (attempt: number, commit: CommitId, replaced: CommitId | null, accepted = true): Observation => ({
    at: 20,
    type: 'pushed',
    place,
    by: runIdOf(task.id, attempt),
    commit,
    replaced,
    accepted,
  });
  const opens = (number: number): Observation => ({
    at: 30,
    type: 'pull-opened',
    place,
    number,
    by: runIdOf(task.id, 1),
  });

  it('is broken by a second pull request, though the first has ended', () => {
    const ended: Observation = { at: 31, type: 'pull-ended', place, number: 1, how: 'merged' };
    expect(found(opens(1), ended)).toEqual([]);
    expect(found(opens(1), ended, opens(2))).toEqual(['I3']);
  });

  it('is broken by a push of an attempt after a later one’s', () => {
    const first = pushes(2, commits[0], null);
    expect(found(first, pushes(1, commits[1], commits[0], false))).toEqual([]);
    expect(found(first, pushes(1, commits[1], commits[0]))).toEqual(['I3']);
    expect(found(pushes(1, commits[1], null), pushes(2, commits[0], commits[1]))).toEqual([]);
  });

  it('is broken by whoever overwrites a person’s commit, or another task’s', () => {
    const persons: Observation = {
      at: 19,
      type: 'pushed',
      place,
      by: null,
      commit: commits[2],
      replaced: null,
      accepted: true,
    };
    expect(found(persons, pushes(1, commits[0], commits[2]))).toEqual(['I3']);
    const others: Observation = { ...persons, by: runIdOf('f'.repeat(64) as TaskId, 1) };
    expect(found(others, pushes(1, commits[0], commits[2]))).toEqual(['I3']);
  });

  it('is broken by a leader that assigns a task whose twin has been done, as it knows', () => {
    const twin = taskOf(['alpha', 'gamma', 'beta']);
    const done: Observation = { at: 1, peer: 'alpha', type: 'told-end', task: twin.id, state: doneWith(commits[0]) };
    const assigns = (at: number): Observation => ({ ...accepts('alpha', versionOf(1, 1), assignedTo('beta')), at });
    const restarted: Observation = { at: 2, peer: 'alpha', type: 'peer', change: 'started', leases: 0 };
    expect(found(recorded(), recorded(twin), done, assigns(9_000))).toEqual(['I3']);
    expect(found(recorded(), recorded(twin), assigns(9_000))).toEqual([]);
    expect(found(recorded(), recorded(twin), done, restarted, assigns(9_000))).toEqual([]);
  });

  it('takes no promise for a write: what a former leader has on its disk may be older than what was written since', () => {
    const twin = taskOf(['alpha', 'gamma', 'beta']);
    const done: Observation = { at: 1, peer: 'beta', type: 'told-end', task: twin.id, state: doneWith(commits[0]) };
    const assigned = assignedTo('gamma');
    const publishing = startPublishing(assigned, publication);
    const next = assignedTo('gamma', endAttempt(publishing, { type: 'lapsed', reason: 'gone' }, wallMs(6)));
    const first = accepts('alpha', versionOf(1, 1), assigned);
    const history = [first, accepts('beta', versionOf(2, 1, 'beta'), publishing), first];
    const assigns: Observation = { ...accepts('beta', versionOf(2, 2, 'beta'), next), at: 9_000 };
    expect(found(recorded(), recorded(twin), done, ...history, assigns)).toEqual([]);
  });

  it('cannot tell a branch that was removed and made anew', () => {
    const removed: Observation = { at: 21, type: 'branch-removed', place, by: null };
    expect(found(pushes(2, commits[0], null), removed, pushes(1, commits[1], null))).toEqual([]);
  });
});

describe('I9', () => {
  const granted = (at: number, peer: string, attempt: number, untilMs: number): Observation => ({
    at,
    peer,
    type: 'granted',
    run: runIdOf(task.id, attempt),
    step: 'push',
    untilMs,
  });

  it('is broken by a grant while another attempt has one', () => {
    expect(found(recorded(), granted(0, 'alpha', 1, 100), granted(50, 'alpha', 1, 150))).toEqual([]);
    expect(found(recorded(), granted(0, 'alpha', 1, 100), granted(100, 'beta', 2, 200))).toEqual([]);
    expect(found(recorded(), granted(0, 'alpha', 1, 100), granted(99, 'beta', 2, 200))).toEqual(['I9']);
  });

  it('is not by one whose agent has ended before its time', () => {
    const ended: Observation = { at: 50, peer: 'alpha', type: 'agent-ended', run: runIdOf(task.id, 1), how: 'killed' };
    expect(found(recorded(), granted(0, 'alpha', 1, 100), ended, granted(60, 'beta', 2, 160))).toEqual([]);
  });
});
