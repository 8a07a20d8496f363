import type { Advert, Hello } from '../../src/protocol/hello.ts';
import {
  type BlobId,
  type CommitId,
  type GenerationId,
  type PeerId,
  type TaskId,
  wallMs,
} from '../../src/protocol/ids.ts';
import type { Gossip, Message, MessageOf } from '../../src/protocol/messages.ts';
import { promptKey, type SignedRecord, type TaskBody } from '../../src/protocol/record.ts';
import { assign, type Checkpoint, initialState, seal, succeed } from '../../src/protocol/state.ts';
import { type Progress, type Summary, stampOf } from '../../src/protocol/summary.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';

export const peer = '12D3KooWAda' as PeerId;
export const other = '12D3KooWBob' as PeerId;
export const task = 'ab'.repeat(32) as TaskId;
export const commit = 'c'.repeat(40) as CommitId;

/** A task's body with every field in use. */
export const body: TaskBody = {
  key: promptKey('0d4c'),
  title: 'Fix the greeting',
  prompt: 'It says “helo”.',
  source: { type: 'issue', number: 7, url: 'https://example.test/7', author: 'ann', labels: ['bug'] },
  repository: { type: 'github', owner: 'ann', name: 'greeter' },
  base: null,
  path: 'packages/web',
  verify: 'npm test',
  requires: { specialties: ['frontend'], explicit: true, reason: 'asked for' },
  priority: 'normal',
  limits: { wallMs: 3_600_000, idleMs: 600_000, budgetUsd: 1.5 },
  format: 1,
  round: 1,
  submitter: peer,
  createdAt: wallMs(1_750_000_000_000),
  nonce: '0123456789abcdef',
  electorate: [peer, other],
};

const record: SignedRecord = { bytes: new Uint8Array([1, 2, 3]), signature: new Uint8Array(64).fill(7) };
const ballot = { round: 3, peer, incarnation: 2 };
const version = { ballot, seq: 4 };
const state = assign(initialState, other, wallMs(1_000));
const generation = '0123456789abcdef' as GenerationId;
/** In its second generation, and sealed for the third. */
const movedState = seal(succeed(state, { number: 1, id: generation, electorate: [other], forced: true }), {
  number: 2,
  id: 'fedcba9876543210' as GenerationId,
  electorate: [peer, other],
  forced: false,
});
export const checkpoint: Checkpoint = {
  blob: 'b'.repeat(64) as BlobId,
  bytes: 1_000,
  base: commit,
  commit,
  attempt: 1,
  number: 2,
  finished: false,
  session: 'claude-code',
  at: wallMs(3_000),
};
const progress: Progress = { text: 'half way', costUsd: 0.25, at: wallMs(5) };
const attempt = 1;
const parts = { specialty: 1, freeSlots: 0.5, warm: 0, success: 0.5 };
const answer = { type: 'bid', score: 0.725, parts } as const;
const summary: Summary = {
  task,
  version,
  state,
  leader: peer,
  stalled: null,
  answers: [{ peer: other, answer }],
  story: [{ at: wallMs(9), by: peer, event: 'assigned', detail: 'attempt 1' }],
};
const tombstone: Tombstone = {
  task,
  key: body.key,
  round: 2,
  title: body.title,
  repository: 'ann/greeter',
  priority: 'normal',
  submitter: peer,
  createdAt: body.createdAt,
  attempts: 3,
  spentUsd: 1.5,
  stamp: { ...stampOf(state, version), ended: 1 },
  end: { name: 'failed', reason: 'the tests fail' },
};
export const advert: Advert = {
  peer,
  name: 'attic',
  incarnation: 2,
  seq: 5,
  specialties: ['general'],
  capacity: 2,
  running: 1,
  executor: 'command',
  unavailable: { until: wallMs(10), reason: 'quota' },
  spentToday: { day: 20_000, usd: 1.25 },
  version: '1.0.0',
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
};
export const hello: Hello = { major: 1, minor: 1, role: 'peer', advert };

/** One of each: a type that is new needs a sample here. */
export const messages: { readonly [Type in Message['type']]: MessageOf<Type> } = {
  task: { type: 'task', record },
  stored: { type: 'stored', task },
  'need-task': { type: 'need-task', task },
  preflight: { type: 'preflight', nonce: 'n' },
  'preflight-ok': { type: 'preflight-ok', nonce: 'n' },
  prepare: { type: 'prepare', task, generation, ballot },
  promise: {
    type: 'promise',
    task,
    generation,
    ballot,
    accepted: { version, valueVersion: version, value: state },
    lease: { peer, incarnation: 2 },
  },
  'prepare-reject': {
    type: 'prepare-reject',
    task,
    generation,
    ballot,
    holder: { peer, incarnation: 2 },
    promised: null,
  },
  accept: { type: 'accept', task, generation, version, valueVersion: version, value: state },
  accepted: { type: 'accepted', task, generation, version },
  'accept-reject': { type: 'accept-reject', task, generation, version, reason: 'held', promised: ballot },
  release: { type: 'release', task, generation, ballot },
  'need-install': { type: 'need-install', task, generation },
  install: { type: 'install', task, state: movedState },
  installed: { type: 'installed', task, generation },
  read: { type: 'read', task, request: 'r' },
  'read-answer': { type: 'read-answer', task, request: 'r', version, state: movedState },
  leaving: { type: 'leaving' },
  call: { type: 'call', task, attempt, ballot },
  answer: { type: 'answer', task, attempt, answer },
  assign: {
    type: 'assign',
    task,
    attempt,
    ballot,
    publication: { commit, expectedTip: null },
    checkpoint,
    spentUsd: 0.5,
  },
  report: { type: 'report', task, attempt, ballot },
  heartbeat: { type: 'heartbeat', task, attempt, progress, checkpoint },
  'heartbeat-ack': { type: 'heartbeat-ack', task, attempt, standing: 'current' },
  'publish-request': {
    type: 'publish-request',
    task,
    attempt,
    request: 1,
    step: 'push',
    commit,
    expectedTip: commit,
    checkpoint: null,
  },
  'publish-grant': { type: 'publish-grant', task, attempt, request: 1, validMs: 30_000 },
  outcome: {
    type: 'outcome',
    task,
    attempt,
    outcome: { type: 'lapsed', reason: 'gone' },
    costUsd: null,
    checkpoint: null,
  },
  'outcome-ack': { type: 'outcome-ack', task, attempt },
  cancel: { type: 'cancel', task, request: 'r', reason: 'no longer wanted' },
  'cancel-answer': { type: 'cancel-answer', task, request: 'r', result: 'cancelled' },
  'sync-root': { type: 'sync-root', root: 'ff' },
  'sync-buckets': { type: 'sync-buckets', buckets: ['00', 'ff'] },
  'sync-entries': {
    type: 'sync-entries',
    buckets: [0, 255],
    entries: [{ task, stamp: stampOf(state, version) }],
    reply: true,
  },
  summary: { type: 'summary', summary },
  tombstone: { type: 'tombstone', tombstone },
  submit: { type: 'submit', request: 'r', draft: draftIn(body), again: false },
  'submit-answer': { type: 'submit-answer', request: 'r', reply: { type: 'pending', task, stored: 1, electors: 3 } },
  'log-query': { type: 'log-query', request: 'r', task, attempt, offset: 0, limitBytes: 1_024 },
  'log-piece': { type: 'log-piece', request: 'r', piece: { text: 'a line', nextOffset: 6, end: true } },
};

export const gossips: { readonly [Type in Gossip['type']]: Extract<Gossip, { type: Type }> } = {
  task: { type: 'task', record },
  advert: { type: 'advert', advert },
  summary: { type: 'summary', summary },
  progress: { type: 'progress', task, attempt, progress },
};

function draftIn(of: TaskBody): MessageOf<'submit'>['draft'] {
  const { format: _, round: __, submitter: ___, createdAt: ____, nonce: _____, electorate: ______, ...draft } = of;
  return draft;
}
