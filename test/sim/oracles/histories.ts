import type { StoredRegister } from '../../../src/peer/store/store.ts';
import type { Ballot, Version } from '../../../src/protocol/ballot.ts';
import type { Generation } from '../../../src/protocol/generation.ts';
import {
  type CommitId,
  type GenerationId,
  type PeerId,
  runIdOf,
  type TaskId,
  wallMs,
} from '../../../src/protocol/ids.ts';
import { signTask, type Task } from '../../../src/protocol/record.ts';
import { assign, type Checkpoint, endAttempt, initialState, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation } from '../observation.ts';
import { Judge } from '../oracles.ts';
import { draftOf } from '../script.ts';
import { peerIdOf } from '../world.ts';

/** Histories for oracles: each is shown one that breaks its invariant, and one beside it that does not. */

export const names = ['alpha', 'beta', 'gamma'];
export const commits = ['a', 'b', 'c'].map((digit) => digit.repeat(40) as CommitId) as [CommitId, CommitId, CommitId];

export const taskOf = (electors: readonly string[] = names): Task =>
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

export const task = taskOf();
const ballotOf = (round: number, peer = 'alpha'): Ballot => ({ round, peer: peerIdOf(peer), incarnation: 1 });
export const versionOf = (round: number, seq: number, peer = 'alpha'): Version => ({
  ballot: ballotOf(round, peer),
  seq,
});

/** The invariants that the oracles see broken, in order. */
export const found = (...history: readonly Observation[]): readonly string[] => {
  const judge = new Judge();
  for (const observation of history) judge.see(observation);
  return judge.findings.map(({ invariant }) => invariant);
};

export const recorded = (of: Task = task): Observation => ({ at: 0, peer: 'alpha', type: 'record', task: of });

interface Accepting {
  readonly of: TaskId;
  readonly initial: TaskState | null;
  readonly valueVersion: Version;
}

export const accepts = (
  peer: string,
  version: Version,
  value: TaskState,
  { of = task.id, initial = null, valueVersion = version }: Partial<Accepting> = {},
): Observation => {
  const register: StoredRegister = { initial, promised: version.ballot, accepted: { version, valueVersion, value } };
  return { at: 1, peer, type: 'register', task: of, register };
};
export const majorityAccepts = (
  version: Version,
  value: TaskState,
  more: Partial<Accepting> = {},
): readonly Observation[] => ['alpha', 'beta'].map((peer) => accepts(peer, version, value, more));

export const assignedTo = (peer: string, before: TaskState = initialState): TaskState =>
  assign(before, peerIdOf(peer), wallMs(5));
export const publication = { commit: commits[0], expectedTip: null };

export const generation = (electorate: readonly string[], fields: Partial<Generation> = {}): Generation => ({
  number: 1,
  id: '1'.repeat(16) as GenerationId,
  electorate: electorate.map(peerIdOf) as readonly PeerId[],
  forced: false,
  ...fields,
});

const means = { wallMs: 1_000, day: 7, dailyUsd: null };

export const starts = (
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

export const doneWith = (commit: CommitId): TaskState =>
  endAttempt(assignedTo('alpha'), { type: 'done', result: { branch: 'peer/x', commit, pullRequest: null } }, wallMs(9));
