import {
  type DurableRecord,
  emptyStored,
  type Stored,
  type StoredKnowledge,
  type StoredQuota,
  type StoredRegister,
} from '../../src/peer/store/store.ts';
import { originId } from '../../src/protocol/generation.ts';
import {
  type CommitId,
  type GenerationId,
  type PeerId,
  type TaskId,
  type TaskKey,
  wallMs,
} from '../../src/protocol/ids.ts';
import type { SignedRecord } from '../../src/protocol/record.ts';
import { assign, initialState, succeed } from '../../src/protocol/state.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';

/** Records for tests of what is stored: well-formed, and otherwise without meaning. */
export const peerA = '12D3KooWA' as PeerId;
export const peerB = '12D3KooWB' as PeerId;
export const taskOf = (digit: string): TaskId => digit.repeat(64) as TaskId;

export const someRecord = (byte: number): SignedRecord => ({
  bytes: new Uint8Array([byte, 2, 3]),
  signature: new Uint8Array(64).fill(byte),
});

export const ballot = { round: 3, peer: peerA, incarnation: 2 };
const version = { ballot, seq: 4 };
export const someRegister = (round: number): StoredRegister => ({
  initial: null,
  promised: { ...ballot, round },
  accepted: { version, valueVersion: version, value: assign(initialState, peerB, wallMs(1_000)) },
});
export const someKnowledge: StoredKnowledge = {
  version,
  state: initialState,
  heardAt: wallMs(5_000),
  story: [{ at: wallMs(4_000), by: peerA, event: 'leader', detail: 'took the lease' }],
  answers: [
    {
      peer: peerB,
      answer: { type: 'bid', score: 0.5, parts: { specialty: 1, freeSlots: 0, warm: 0, success: 0.5 } },
    },
    { peer: peerA, answer: { type: 'decline', reason: 'busy', detail: null, until: null } },
  ],
};
export const someQuota: StoredQuota = { until: wallMs(9_000), reason: 'session limit' };
export const someTombstone = (digit: string): Tombstone => ({
  task: taskOf(digit),
  key: 'github:ann/greeter#7' as TaskKey,
  round: 2,
  title: 'Fix the greeting',
  repository: 'ann/greeter',
  priority: 'normal',
  submitter: peerA,
  createdAt: wallMs(1_000),
  attempts: 1,
  spentUsd: 0.25,
  stamp: { ended: 2, generation: { number: 0, id: originId }, version },
  end: {
    name: 'done',
    result: { branch: 'peer/issue-7-2', commit: 'c'.repeat(40) as CommitId, pullRequest: null },
  },
});

export const nothing: Stored = emptyStored();

/** The register of the task's next generation. */
export const movedRegister = (id: GenerationId): StoredRegister => ({
  initial: succeed(initialState, { number: 1, id, electorate: [peerA, peerB], forced: false }),
  promised: null,
  accepted: null,
});

export const everyKind = (task: TaskId): readonly DurableRecord[] => [
  { kind: 'task', task, record: someRecord(1) },
  { kind: 'register', task, register: someRegister(9) },
  { kind: 'knowledge', task, knowledge: someKnowledge },
  { kind: 'submission', task, pending: true },
];
