import { describe, expect, it } from 'vitest';
import type { StoredRegister } from '../../src/peer/store/store.ts';
import type { Ballot, Version } from '../../src/protocol/ballot.ts';
import type { Generation } from '../../src/protocol/generation.ts';
import {
  type BlobId,
  type CommitId,
  type GenerationId,
  type PeerId,
  runIdOf,
  type TaskId,
  wallMs,
} from '../../src/protocol/ids.ts';
import { signTask, type Task } from '../../src/protocol/record.ts';
import {
  assign,
  type Checkpoint,
  cancel,
  endAttempt,
  initialState,
  saveCheckpoint,
  seal,
  startPublishing,
  succeed,
  type TaskState,
} from '../../src/protocol/state.ts';
import type { Observation } from './observation.ts';
import { Judge } from './oracles.ts';
import { draftOf } from './script.ts';
import { peerIdOf } from './world.ts';

/** Every oracle is shown a history that breaks its invariant, and one beside it that does not. */

const names = ['alpha', 'beta', 'gamma'];
const commits = ['a', 'b', 'c'].map((digit) => digit.repeat(40) as CommitId) as [CommitId, CommitId, CommitId];

const taskOf = (electors: readonly string[] = names): Task =>
  signTask(
    {
      ...draftOf(),
      format: 1,
      round: 1,
      submitter: peerIdOf('alpha'),
      createdAt: wallMs(1),
      nonce: '0123456789abcdef',
      electorate: electors.map(peerIdOf),
    },
    () => new Uint8Array(64),
  );

const task = taskOf();
const ballotOf = (round: number, peer = 'alpha'): Ballot => ({ round, peer: peerIdOf(peer), incarnation: 1 });
const versionOf = (round: number, seq: number, peer = 'alpha'): Version => ({ ballot: ballotOf(round, peer), seq });

const found = (...history: readonly Observation[]): readonly string[] => {
  const judge = new Judge();
  for (const observation of history) judge.see(observation);
  return judge.findings.map(({ invariant }) => invariant);
};

const recorded = (of: Task = task): Observation => ({ at: 0, peer: 'alpha', type: 'record', task: of });

const accepts = (
  peer: string,
  version: Version,
  value: TaskState,
  { of = task.id, initial = null, valueVersion = version }: Partial<Accepting> = {},
): Observation => {
  const register: StoredRegister = { initial, promised: version.ballot, accepted: { version, valueVersion, value } };
  return { at: 1, peer, type: 'register', task: of, register };
};
interface Accepting {
  readonly of: TaskId;
  readonly initial: TaskState | null;
  readonly valueVersion: Version;
}

const majorityAccepts = (version: Version, value: TaskState, more: Partial<Accepting> = {}): readonly Observation[] =>
  ['alpha', 'beta'].map((peer) => accepts(peer, version, value, more));

const assignedTo = (peer: string, before: TaskState = initialState): TaskState =>
  assign(before, peerIdOf(peer), wallMs(5));
const publication = { commit: commits[0], expectedTip: null };

const generation = (electorate: readonly string[], fields: Partial<Generation> = {}): Generation => ({
  number: 1,
  id: '1'.repeat(16) as GenerationId,
  electorate: electorate.map(peerIdOf) as readonly PeerId[],
  forced: false,
  ...fields,
});

const starts = (
  peer: string,
  attempt: number,
  running = 1,
  capacity = 1,
  checkpoint: Checkpoint | null = null,
): Observation => ({
  at: 10,
  peer,
  type: 'agent-started',
  job: {
    run: runIdOf(task.id, attempt),
    task,
    attempt,
    publication: null,
    checkpoint,
    holders: [],
    spendableUsd: null,
    earlierCostUsd: 0,
  },
  running,
  capacity,
  ...means,
});
const means = { wallMs: 1_000, day: 7, dailyUsd: null };

const doneWith = (commit: CommitId): TaskState =>
  endAttempt(assignedTo('alpha'), { type: 'done', result: { branch: 'peer/x', commit, pullRequest: null } }, wallMs(9));

describe('I1', () => {
  const leads = (leaders: readonly string[]): Observation => ({
    at: 5,
    peer: 'alpha',
    type: 'leads',
    task: task.id,
    leaders,
  });

  it('is broken by two leaders at once', () => {
    expect(found(recorded(), leads(['alpha']), leads(['beta']))).toEqual([]);
    expect(found(recorded(), leads(['alpha', 'beta']))).toEqual(['I1']);
  });

  it('is not promised where an electorate of two has been', () => {
    const two = taskOf(['alpha', 'beta']);
    const leaders: Observation = { at: 5, peer: 'alpha', type: 'leads', task: two.id, leaders: ['alpha', 'beta'] };
    expect(found(recorded(two), leaders)).toEqual([]);
  });

  it('is not promised where a generation was forced', () => {
    const next = succeed(initialState, generation(['alpha'], { forced: true }));
    const installed: Observation = {
      at: 2,
      peer: 'alpha',
      type: 'register',
      task: task.id,
      register: { initial: next, promised: null, accepted: null },
    };
    expect(found(recorded(), installed, leads(['alpha', 'beta']))).toEqual([]);
  });
});

describe('I2', () => {
  const assigned = assignedTo('alpha');
  const publishing = startPublishing(assigned, publication);

  it('is kept by a leader that begins with the last value, and by one that resends or renews', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 0), initialState),
      ...majorityAccepts(versionOf(1, 1), assigned),
      ...majorityAccepts(versionOf(1, 2), assigned, { valueVersion: versionOf(1, 1) }),
      ...majorityAccepts(versionOf(2, 0, 'beta'), assigned),
      ...majorityAccepts(versionOf(2, 1, 'beta'), publishing),
    ];
    expect(found(recorded(), ...history)).toEqual([]);
  });

  it('is broken by an elector whose version falls', () => {
    const history = [accepts('alpha', versionOf(2, 0), initialState), accepts('alpha', versionOf(1, 3), initialState)];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by one version with two values', () => {
    const history = [accepts('alpha', versionOf(1, 1), assigned), accepts('beta', versionOf(1, 1), publishing)];
    expect(found(recorded(), ...history)).toContain('I2');
  });

  it('is broken by a leader that begins with an older value than was committed', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 0), initialState),
      ...majorityAccepts(versionOf(1, 1), assigned),
      accepts('gamma', versionOf(2, 0, 'gamma'), initialState),
    ];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by a write that is computed from an older one', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 1), publishing),
      ...majorityAccepts(versionOf(1, 2), assignedTo('alpha')),
    ];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by a generation that is installed before its seal is committed', () => {
    const next = generation(names);
    const sealed = seal(assigned, next);
    const initial = succeed(assigned, next);
    const written = [accepts('alpha', versionOf(1, 1), sealed)];
    const installed = accepts('gamma', versionOf(1, 0, 'gamma'), initial, { initial });
    expect(found(recorded(), ...written, installed)).toEqual(['I2']);
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), sealed), installed)).toEqual([]);
  });
});

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

describe('I4 and I5', () => {
  const acknowledged: Observation = {
    at: 3,
    peer: 'alpha',
    type: 'replied',
    id: 'command-1',
    reply: { type: 'submitted', task: task.id },
  };
  const shows = (phase: string | null): Observation => ({ at: 99, peer: 'beta', type: 'shows', task: task.id, phase });

  it('are kept by a task that has ended', () => {
    expect(found(recorded(), acknowledged, shows('done'), shows('failed'), shows('cancelled'))).toEqual([]);
  });

  it('I4 is broken where somebody does not know an acknowledged task', () => {
    expect(found(recorded(), acknowledged, shows(null))).toEqual(['I4']);
    expect(found(recorded(), shows(null))).toEqual([]);
  });

  it('I5 is broken by a task that has not ended, acknowledged or not', () => {
    expect(found(recorded(), acknowledged, shows('open'))).toEqual(['I5']);
    expect(found(recorded(), shows('publishing'))).toEqual(['I5']);
  });
});

describe('I6', () => {
  it('is broken by an attempt that no majority has assigned', () => {
    const value = assignedTo('gamma');
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), value), starts('gamma', 1))).toEqual([]);
    expect(found(recorded(), accepts('alpha', versionOf(1, 1), value), starts('gamma', 1))).toEqual(['I6']);
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), value), starts('beta', 1))).toEqual(['I6']);
  });

  it('is broken by an attempt that is started twice', () => {
    const value = assignedTo('gamma');
    const history = [...majorityAccepts(versionOf(1, 1), value), starts('gamma', 1), starts('gamma', 1)];
    expect(found(recorded(), ...history)).toEqual(['I6']);
  });
});

describe('I7', () => {
  it('is broken by a peer that runs more than it can', () => {
    const value = assignedTo('gamma');
    const history = majorityAccepts(versionOf(1, 1), value);
    expect(found(recorded(), ...history, starts('gamma', 1, 2, 2))).toEqual([]);
    expect(found(recorded(), ...history, starts('gamma', 1, 2, 1))).toEqual(['I7']);
  });
});

describe('I8', () => {
  const shown = (peer: string, state: TaskState): Observation => ({
    at: 50,
    peer,
    type: 'told-end',
    task: task.id,
    state,
  });
  const cancelled = cancel(initialState, 'enough', null, wallMs(8));

  it('is broken by an end that is another elsewhere', () => {
    const end = doneWith(commits[0]);
    expect(found(recorded(), shown('alpha', end), shown('beta', end))).toEqual([]);
    expect(found(recorded(), shown('alpha', end), shown('beta', cancelled))).toEqual(['I8']);
    expect(found(recorded(), shown('alpha', end), shown('beta', doneWith(commits[1])))).toEqual(['I8']);
  });

  it('lets a result beat another end where the task was forced to go on, and nothing beat a result', () => {
    const initial = succeed(initialState, generation(['alpha'], { forced: true }));
    const forced = accepts('alpha', versionOf(1, 0), initial, { initial });
    const end = doneWith(commits[0]);
    expect(found(recorded(), forced, shown('alpha', cancelled), shown('beta', end))).toEqual([]);
    expect(found(recorded(), forced, shown('alpha', end), shown('beta', cancelled))).toEqual([]);
    const other = endAttempt(
      assignedTo('alpha'),
      {
        type: 'done',
        result: { branch: 'x', commit: commits[1], pullRequest: { number: 2, url: 'u', state: 'open' } },
      },
      wallMs(9),
    );
    expect(found(recorded(), forced, shown('alpha', end), shown('beta', other))).toEqual(['I8']);
  });

  it('is broken by a cancel that was said to be done, and was not', () => {
    const history: readonly Observation[] = [
      recorded(),
      { at: 4, peer: 'alpha', type: 'asked', id: 'c', command: { type: 'cancel', task: task.id, reason: 'enough' } },
      { at: 5, peer: 'alpha', type: 'replied', id: 'c', reply: { type: 'cancelled' } },
    ];
    const shows = (phase: string): Observation => ({ at: 99, peer: 'beta', type: 'shows', task: task.id, phase });
    expect(found(...history, shows('cancelled'))).toEqual([]);
    expect(found(...history, shows('done'))).toEqual(['I8']);
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

describe('I10', () => {
  const saved = (number: number): Checkpoint => ({
    ...{ blob: `${number}`.repeat(64) as BlobId, bytes: 1, base: commits[0], commit: commits[1], attempt: 1, number },
    ...{ finished: false, session: null, at: wallMs(5) },
  });
  const kept = (peer: string, number: number): Observation => ({
    ...{ at: 4, peer, type: 'checkpoint-kept', task: task.id, blob: saved(number).blob },
  });
  const lapsed = (state: TaskState): TaskState => endAttempt(state, { type: 'lapsed', reason: 'gone' }, wallMs(6));
  const first = assignedTo('gamma');
  const once = saveCheckpoint(first, saved(1));
  const twice = saveCheckpoint(once, saved(2));
  const states = [first, once, twice, assignedTo('beta', lapsed(twice))];
  const history = (...copies: readonly Observation[]): readonly Observation[] => [
    recorded(),
    ...copies,
    ...states.flatMap((state, index) => majorityAccepts(versionOf(1, index + 1), state)),
  ];
  const copies = [1, 2].flatMap((number) => [kept('alpha', number), kept('gamma', number)]);

  it('is kept by an attempt that goes on from the newest checkpoint', () => {
    expect(found(...history(...copies), starts('beta', 2, 1, 1, saved(2)))).toEqual([]);
  });

  it('is broken by one that goes on from an older one, or from none', () => {
    expect(found(...history(...copies), starts('beta', 2, 1, 1, saved(1)))).toEqual(['I10']);
    expect(found(...history(...copies), starts('beta', 2))).toEqual(['I10']);
  });

  it('is broken by one that goes on from what no majority ever had', () => {
    expect(found(...history(kept('gamma', 2)), starts('beta', 2, 1, 1, saved(2)))).toEqual(['I10']);
  });

  it('is broken by one that begins after too many lapses', () => {
    const afterLapses = (lapses: number): TaskState => {
      const before = Array.from({ length: lapses }).reduce<TaskState>(
        (state) => ({ ...lapsed(assignedTo('gamma', state)), lapses: 0 }),
        initialState,
      );
      return assignedTo('beta', before);
    };
    const begins = (lapses: number): readonly string[] =>
      found(recorded(), ...majorityAccepts(versionOf(1, 1), afterLapses(lapses)), starts('beta', lapses + 1));
    expect(begins(4)).toEqual([]);
    expect(begins(5)).toEqual(['I10']);
  });

  it('and I2, by a register that loses a checkpoint, or forgets lapses without one', () => {
    const accepted = (...values: readonly TaskState[]): readonly Observation[] => [
      recorded(),
      ...values.flatMap((value, index) => majorityAccepts(versionOf(1, index + 1), value)),
    ];
    expect(found(...accepted(once, twice))).toEqual([]);
    expect(found(...accepted(twice, once))).toEqual(['I2']);
    expect(found(...accepted(once, first))).toEqual(['I2']);
    expect(found(...accepted(lapsed(first), { ...lapsed(first), lapses: 0 }))).toEqual(['I2']);
  });
});

it('the judge keeps the first findings only', () => {
  const leads: Observation = {
    at: 5,
    peer: 'alpha',
    type: 'leads',
    task: task.id,
    leaders: ['alpha', 'beta'],
  };
  expect(found(recorded(), ...Array.from({ length: 100 }, () => leads)).length).toBeLessThan(50);
});
