import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CommitId, type PeerId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import { Limits } from '../../src/protocol/limits.ts';
import {
  Attempts,
  activePhase,
  assign,
  cancel,
  endAttempt,
  initialState,
  isNewer,
  isTerminal,
  type Outcome,
  type Phase,
  saveCheckpoint,
  startPublishing,
  type TaskState,
  taskStateSchema,
} from '../../src/protocol/state.ts';
import { checkpoint, commit, other, peer, task } from './samples.ts';

const at = wallMs(1_000);
const result = { branch: 'peer/issue-7', commit, pullRequest: null };
const publication = { commit, expectedTip: null };
const lapsed: Outcome = { type: 'lapsed', reason: 'no heartbeat' };
const failed: Outcome = { type: 'failed', reason: 'tests fail', final: false };

const assigned = assign(initialState, peer, at);
const publishing = startPublishing(assigned, publication);
const states: Record<Phase['name'], TaskState> = {
  open: initialState,
  assigned,
  publishing,
  done: endAttempt(assigned, { type: 'done', result }, at),
  failed: endAttempt(assigned, { ...failed, final: true }, at),
  cancelled: cancel(initialState, 'not wanted', null, at),
};
const names = Object.keys(states) as readonly Phase['name'][];

const again = (state: TaskState, outcome: Outcome, times: number): TaskState =>
  Array.from({ length: times }).reduce<TaskState>((one) => endAttempt(assign(one, peer, at), outcome, at), state);

describe('a transition', () => {
  it.each<[string, (from: TaskState) => TaskState, readonly Phase['name'][]]>([
    ['assign', (from) => assign(from, peer, at), ['open']],
    ['start publishing', (from) => startPublishing(from, publication), ['assigned', 'publishing']],
    ['end the attempt', (from) => endAttempt(from, lapsed, at), ['assigned', 'publishing']],
    ['cancel', (from) => cancel(from, 'not wanted', null, at), ['open', 'assigned']],
  ])('checks where it comes from: %s', (_, transition, allowed) => {
    for (const name of names) {
      const from = states[name];
      const before = structuredClone(from);
      if (allowed.includes(name)) expect(() => transition(from), name).not.toThrow();
      else expect(() => transition(from), name).toThrow(/^bug: .*\b(open|assigned|publishing|done|failed|cancelled)$/);
      expect(from).toEqual(before);
    }
  });

  it('leads to the phase that it is named after', () => {
    for (const name of names) expect(states[name].phase.name).toBe(name);
  });
});

describe('the phases', () => {
  it('are terminal when nothing more can come', () => {
    expect(names.filter((name) => isTerminal(states[name]))).toEqual(['done', 'failed', 'cancelled']);
  });

  it('have an attempt under way when assigned or publishing', () => {
    expect(names.filter((name) => activePhase(states[name]) !== null)).toEqual(['assigned', 'publishing']);
    expect(activePhase(publishing)).toEqual({ name: 'publishing', attempt: 1, worker: peer });
  });
});

describe('assign', () => {
  it('starts the attempt with the next number', () => {
    expect(assigned).toMatchObject({ phase: { attempt: 1, worker: peer }, attemptsStarted: 1 });
    expect(assigned.attempts).toEqual([
      { number: 1, worker: peer, startedAt: at, endedAt: null, outcome: null, costUsd: null, checkpoints: [] },
    ]);
    const second = assign(endAttempt(assigned, lapsed, at), other, at);
    expect(second.phase).toEqual({ name: 'assigned', attempt: 2, worker: other });
    expect(second.attempts.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('keeps the last attempts, and counts on', () => {
    const refused: Outcome = { type: 'refused', reason: 'busy' };
    const state = again(initialState, refused, Limits.attemptsKept + 3);
    expect(state.attempts).toHaveLength(Limits.attemptsKept);
    expect(state.attempts.at(-1)?.number).toBe(Limits.attemptsKept + 3);
    expect(state.attemptsStarted).toBe(Limits.attemptsKept + 3);
  });
});

describe('publishing', () => {
  it('is of the attempt under way, and may be asked for again with another commit', () => {
    const second = { commit: 'd'.repeat(40) as CommitId, expectedTip: commit };
    expect(startPublishing(publishing, second)).toMatchObject({ phase: publishing.phase, publication: second });
  });

  it('is remembered after its attempt, for the next one to ask the forge', () => {
    const next = assign(endAttempt(publishing, lapsed, at), other, at);
    expect(next).toMatchObject({ phase: { name: 'assigned', attempt: 2 }, publication });
  });
});

describe('a checkpoint', () => {
  const saved = saveCheckpoint(assigned, checkpoint);

  it('is remembered after its attempt, for the next one to go on from', () => {
    expect(saved).toMatchObject({ phase: assigned.phase, checkpoint });
    expect(saved.attempts[0]?.checkpoints).toEqual([
      { commit: checkpoint.commit, at: checkpoint.at, number: checkpoint.number, finished: checkpoint.finished },
    ]);
    expect(assign(endAttempt(saved, lapsed, at), other, at).checkpoint).toEqual(checkpoint);
    expect(saveCheckpoint(publishing, checkpoint)).toMatchObject({ phase: publishing.phase, checkpoint });
  });

  it('has the lapses before it forgotten', () => {
    const second = assign(again(initialState, lapsed, 4), other, at);
    const state = saveCheckpoint(second, { ...checkpoint, attempt: 5 });
    expect(again(endAttempt(state, lapsed, at), lapsed, 3)).toMatchObject({ phase: { name: 'open' }, lapses: 4 });
    expect(again(endAttempt(state, lapsed, at), lapsed, 4).phase.name).toBe('failed');
  });

  it('is one of the last of its attempt that are kept for people', () => {
    let state = assigned;
    for (let number = 1; number <= Limits.checkpointsKept + 2; number += 1)
      state = saveCheckpoint(state, { ...checkpoint, number, at: wallMs(number) });
    expect(state.attempts[0]?.checkpoints).toHaveLength(Limits.checkpointsKept);
    expect(state.attempts[0]?.checkpoints[0]?.at).toBe(3);
    expect(state.checkpoint?.number).toBe(Limits.checkpointsKept + 2);
  });

  it('is of the attempt under way', () => {
    expect(() => saveCheckpoint(initialState, checkpoint)).toThrow('bug');
    expect(() => saveCheckpoint(assigned, { ...checkpoint, attempt: 2 })).toThrow('bug');
  });

  it('is newer by its attempt, then by its number', () => {
    const by = (attempt: number, number: number) => ({ ...checkpoint, attempt, number });
    expect(isNewer(by(1, 1), null)).toBe(true);
    expect(isNewer(by(2, 1), by(1, 9))).toBe(true);
    expect(isNewer(by(1, 9), by(2, 1))).toBe(false);
    expect([isNewer(by(1, 2), by(1, 1)), isNewer(by(1, 1), by(1, 1))]).toEqual([true, false]);
  });
});

describe('the end of an attempt', () => {
  it('is written to its own record only', () => {
    const second = endAttempt(assign(endAttempt(assigned, lapsed, at), other, at), failed, wallMs(2_000), 0.5);
    expect(second.attempts).toMatchObject([
      { number: 1, endedAt: 1_000, outcome: lapsed, costUsd: null },
      { number: 2, endedAt: 2_000, outcome: failed, costUsd: 0.5 },
    ]);
  });

  it('is the end of the task when it is done', () => {
    expect(endAttempt(publishing, { type: 'done', result }, at).phase).toEqual({ name: 'done', result });
  });

  it(`fails the task at failure ${Attempts.maxFailures} of the agent`, () => {
    expect(Attempts.maxFailures).toBe(3);
    expect(again(initialState, failed, 2)).toMatchObject({ phase: { name: 'open' }, failures: 2, lapses: 0 });
    expect(again(initialState, failed, 3).phase).toEqual({ name: 'failed', reason: 'tests fail' });
  });

  it(`fails the task at lapse ${Attempts.maxLapses}`, () => {
    expect(Attempts.maxLapses).toBe(5);
    expect(again(initialState, lapsed, 4)).toMatchObject({ phase: { name: 'open' }, failures: 0, lapses: 4 });
    expect(again(initialState, lapsed, 5).phase).toEqual({
      name: 'failed',
      reason: '5 attempts lapsed: no heartbeat',
    });
  });

  it('stays sendable when the reason is as long as one may be', () => {
    const state = again(initialState, { ...lapsed, reason: 'x'.repeat(Limits.reason) }, Attempts.maxLapses);
    expect(state.phase.name).toBe('failed');
    expect(taskStateSchema.safeParse(state).error).toBeUndefined();
  });

  it('does not add failures and lapses up', () => {
    expect(again(again(initialState, lapsed, 4), failed, 2).phase.name).toBe('open');
  });

  it('fails the task at once when no other attempt could do better', () => {
    expect(endAttempt(assigned, { ...failed, final: true }, at).phase.name).toBe('failed');
  });

  it.each<Outcome>([
    { type: 'refused', reason: 'busy' },
    { type: 'quota', until: null, reason: 'five-hour limit' },
    { type: 'drained', reason: 'peer stop' },
    { type: 'stopped', reason: 'superseded' },
  ])('counts nothing against the task when $type', (outcome) => {
    const state = again(initialState, outcome, 20);
    expect(state).toMatchObject({ phase: { name: 'open' }, failures: 0, lapses: 0 });
  });
});

describe('cancel', () => {
  it('says why and, for a duplicate, of which task', () => {
    const rival = 'cd'.repeat(32) as TaskId;
    expect(cancel(initialState, 'the same', rival, at).phase).toEqual({
      name: 'cancelled',
      reason: 'the same',
      duplicateOf: rival,
    });
  });

  it('ends the attempt under way as stopped, and counts nothing', () => {
    const state = cancel(assigned, 'not wanted', null, at);
    expect(state.attempts).toMatchObject([{ endedAt: at, outcome: { type: 'stopped', reason: 'not wanted' } }]);
    expect(state).toMatchObject({ failures: 0, lapses: 0 });
  });
});

describe('a life of any course', () => {
  const reasons = fc.oneof(fc.string(), fc.constant('x'.repeat(Limits.reason)));
  const outcomes: fc.Arbitrary<Outcome> = fc.oneof(
    fc.record({ type: fc.constant('done' as const), result: fc.constant(result) }),
    fc.record({ type: fc.constant('failed' as const), reason: reasons, final: fc.boolean() }),
    fc.record({ type: fc.constant('lapsed' as const), reason: reasons }),
    fc.record({ type: fc.constantFrom('refused' as const, 'drained' as const), reason: reasons }),
  );
  type Move = (state: TaskState) => TaskState;
  const workers = fc.constantFrom<PeerId>(peer, other);
  const moves = fc.oneof(
    {
      weight: 3,
      arbitrary: workers.map(
        (worker): Move =>
          (state) =>
            assign(state, worker, at),
      ),
    },
    {
      weight: 3,
      arbitrary: outcomes.map(
        (outcome): Move =>
          (state) =>
            endAttempt(state, outcome, at),
      ),
    },
    { weight: 2, arbitrary: fc.constant<Move>((state) => startPublishing(state, publication)) },
    {
      weight: 1,
      arbitrary: reasons.map(
        (reason): Move =>
          (state) =>
            cancel(state, reason, task, at),
      ),
    },
  );

  function moved(state: TaskState, move: Move): TaskState {
    try {
      return move(state);
    } catch {
      return state;
    }
  }

  it('never falls back in how far it got, counts attempts up, and stays sendable', () => {
    fc.assert(
      fc.property(fc.array(moves, { minLength: 1, maxLength: 60 }), (course) => {
        course.reduce((before, move) => {
          const after = moved(before, move);
          expect(after.furthest).toBeGreaterThanOrEqual(before.furthest);
          expect(after.attemptsStarted).toBeGreaterThanOrEqual(before.attemptsStarted);
          if (isTerminal(before)) expect(after).toBe(before);
          expect(taskStateSchema.safeParse(after).error).toBeUndefined();
          return after;
        }, initialState);
      }),
    );
  });

  it('gets further by assignment, by publishing, by being done', () => {
    const furthest = names.map((name) => [name, states[name].furthest]);
    expect(Object.fromEntries(furthest)).toMatchObject({ open: 0, assigned: 1, publishing: 2, done: 3 });
    expect(endAttempt(publishing, lapsed, at).furthest).toBe(2);
    expect(assign(endAttempt(publishing, lapsed, at), other, at).furthest).toBe(2);
  });
});
