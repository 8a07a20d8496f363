import { z } from 'zod';
import { PublishSteps } from './agent.ts';
import { ballotSchema, ownerSchema, versionSchema } from './ballot.ts';
import { answerSchema } from './bids.ts';
import { advertSchema } from './hello.ts';
import { commitIdSchema, generationIdSchema, taskIdSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { costSchema, sumSchema } from './money.ts';
import { draftSchema, signedRecordSchema } from './record.ts';
import { checkpointSchema, outcomeSchema, publicationSchema, taskStateSchema } from './state.ts';
import { progressSchema, stampSchema, summarySchema } from './summary.ts';
import { tombstoneSchema } from './tombstone.ts';

const task = taskIdSchema;
const generation = generationIdSchema;
const attempt = z.int().positive();
const counter = z.int().nonnegative();
const message = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ type: z.literal(type), ...shape });

/** An elector's accepted value, as a promise reports it (P2). */
const acceptedSchema = z.object({ version: versionSchema, valueVersion: versionSchema, value: taskStateSchema });
export type Accepted = z.infer<typeof acceptedSchema>;

/** What became of a submission. `existing`: its key has a task already, which is returned instead of a second one. */
export const submitReplySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('submitted'), task }),
  z.object({ type: z.literal('existing'), task, ended: z.boolean() }),
  /** Too few electors have stored it so far; the peer keeps trying. */
  z.object({ type: z.literal('pending'), task, stored: counter, electors: counter }),
  z.object({ type: z.literal('refused'), reason: z.string().max(Limits.reason) }),
]);
export type SubmitReply = z.infer<typeof submitReplySchema>;

/**
 * Every message from one peer to another over their kept stream. Fields are checked here, before any handler sees them.
 * The order follows a task's life: records, election, placement, work, publishing, end; then sync and clients.
 */
export const messageSchema = z.discriminatedUnion('type', [
  /** The record itself: to electors (who answer `stored`), and to whoever asked for it. */
  message('task', { record: signedRecordSchema }),
  message('stored', { task }),
  message('need-task', { task }),
  /** Who is there to be an elector? Answered at once. */
  message('preflight', { nonce: z.string().max(64) }),
  message('preflight-ok', { nonce: z.string().max(64) }),

  message('prepare', { task, generation, ballot: ballotSchema }),
  message('promise', {
    task,
    generation,
    ballot: ballotSchema,
    accepted: acceptedSchema.nullable(),
    lease: ownerSchema.nullable(),
  }),
  /** A1: `holder` of the live lease, or the ballot promised to another. */
  message('prepare-reject', {
    task,
    generation,
    ballot: ballotSchema,
    holder: ownerSchema.nullable(),
    promised: ballotSchema.nullable(),
  }),
  /** Without a value: "the same as you accepted at `valueVersion`"; an elector that lacks it says so. */
  message('accept', {
    task,
    generation,
    version: versionSchema,
    valueVersion: versionSchema,
    value: taskStateSchema.nullable(),
  }),
  message('accepted', { task, generation, version: versionSchema }),
  message('accept-reject', {
    task,
    generation,
    version: versionSchema,
    reason: z.enum(['promised', 'held', 'old', 'need-value']),
    promised: ballotSchema.nullable(),
  }),
  message('release', { task, generation, ballot: ballotSchema }),

  /** An elector of a generation that it has not installed yet: it answers nothing else until it has (M3). */
  message('need-install', { task, generation }),
  /** The seal is committed: `state` is the initial value of the register of `state.generation` (M2). */
  message('install', { task, state: taskStateSchema }),
  message('installed', { task, generation }),
  /** Somebody adopts the task: what does this elector's register say? */
  message('read', { task, request: z.string().max(64) }),
  message('read-answer', {
    task,
    request: z.string().max(64),
    version: versionSchema.nullable(),
    state: taskStateSchema,
  }),
  /** This peer is about to stop: its seats go to others. */
  message('leaving', {}),

  message('call', { task, attempt, ballot: ballotSchema }),
  message('answer', { task, attempt, answer: answerSchema }),
  message('assign', {
    task,
    attempt,
    ballot: ballotSchema,
    publication: publicationSchema.nullable(),
    checkpoint: checkpointSchema.nullable(),
    /** What the earlier attempts have cost: the rest of the task's budget is this one's. */
    spentUsd: sumSchema,
  }),

  /** A new leader asks the worker it found in the register whether it is still at work. */
  message('report', { task, attempt, ballot: ballotSchema }),
  message('heartbeat', { task, attempt, progress: progressSchema.nullable(), checkpoint: checkpointSchema.nullable() }),
  /** `unknown`: not this task's leader, whoever that may be. */
  message('heartbeat-ack', { task, attempt, standing: z.enum(['current', 'stale', 'unknown']) }),
  message('publish-request', {
    task,
    attempt,
    request: counter,
    step: z.enum(PublishSteps),
    commit: commitIdSchema,
    expectedTip: commitIdSchema.nullable(),
    checkpoint: checkpointSchema.nullable(),
  }),
  message('publish-grant', { task, attempt, request: counter, validMs: counter }),
  message('outcome', {
    task,
    attempt,
    outcome: outcomeSchema,
    costUsd: costSchema.nullable(),
    checkpoint: checkpointSchema.nullable(),
  }),
  message('outcome-ack', { task, attempt }),

  message('cancel', { task, request: z.string().max(64), reason: z.string().max(Limits.reason) }),
  message('cancel-answer', { task, request: z.string().max(64), result: z.enum(['cancelled', 'publishing', 'ended']) }),

  /** Anti-entropy, in three steps: do our digests differ, in which buckets, by which entries. */
  message('sync-root', { root: z.string().max(64) }),
  message('sync-buckets', { buckets: z.array(z.string().max(16)).max(256) }),
  message('sync-entries', {
    buckets: z.array(z.int().min(0).max(255)).max(256),
    entries: z.array(z.object({ task: taskIdSchema, stamp: stampSchema.nullable() })).max(Limits.syncEntries),
    reply: z.boolean(),
  }),
  message('summary', { summary: summarySchema }),
  /** The task has ended so long ago that no more than this is left of it. Peers before minor 1 have none. */
  message('tombstone', { tombstone: tombstoneSchema }),

  /** A PC without a peer hands its submission to one that it found. */
  message('submit', { request: z.string().max(64), draft: draftSchema, again: z.boolean() }),
  message('submit-answer', { request: z.string().max(64), reply: submitReplySchema }),

  /** A piece of an attempt's log, from the PC that has it. Answered outside the core: nothing is decided by it. */
  message('log-query', { request: z.string().max(64), task, attempt, offset: counter, limitBytes: counter }),
  message('log-piece', {
    request: z.string().max(64),
    piece: z.object({ text: z.string().max(Limits.frame), nextOffset: counter, end: z.boolean() }).nullable(),
  }),
]);
export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Type extends Message['type']> = Extract<Message, { type: Type }>;

/** Everything that is gossiped, by topic. */
export const gossipSchema = z.discriminatedUnion('type', [
  message('task', { record: signedRecordSchema }),
  message('advert', { advert: advertSchema }),
  message('summary', { summary: summarySchema }),
  message('progress', { task, attempt, progress: progressSchema }),
]);
export type Gossip = z.infer<typeof gossipSchema>;
