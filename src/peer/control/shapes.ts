import { z } from 'zod';
import { commitIdSchema, peerIdSchema, taskIdSchema } from '../../protocol/ids.ts';
import { draftSchema, Priorities } from '../../protocol/record.ts';
import { ControlErrorCodes } from './errors.ts';

/**
 * What the control API answers and the commands print with `--json`. Scripts rely on it: fields may be added, never
 * renamed. Times are ISO 8601, durations milliseconds, money US dollars.
 */
const time = z.iso.datetime();
const costUsd = z.number().nonnegative().nullable();

export const TaskStates = ['open', 'assigned', 'publishing', 'done', 'failed', 'cancelled'] as const;

const bidJsonSchema = z.object({
  peer: peerIdSchema,
  /** 0 for a peer that declined. */
  score: z.number(),
  parts: z.record(z.string(), z.number()),
  declined: z.string().nullable(),
});
export type BidJson = z.infer<typeof bidJsonSchema>;

const attemptJsonSchema = z.object({
  number: z.int(),
  worker: peerIdSchema,
  startedAt: time,
  endedAt: time.nullable(),
  /** `done`, `failed`, `lapsed`, `refused`, `quota`, `drained` or `stopped`; null while it runs. */
  outcome: z.string().nullable(),
  reason: z.string().nullable(),
  /** Of one under way: so far. Null where its agent does not tell. */
  costUsd,
  /** `finished`: it is what was to be published. */
  checkpoints: z.array(
    z.object({ commit: commitIdSchema, at: time, number: z.int().nullable(), finished: z.boolean() }),
  ),
});

export const taskJsonSchema = z.object({
  id: taskIdSchema,
  key: z.string(),
  round: z.int(),
  /** The task of the round before, and of the newest one after; null where none is known. */
  retryOf: taskIdSchema.nullable(),
  retriedAs: taskIdSchema.nullable(),
  title: z.string(),
  state: z.enum(TaskStates),
  /** Why it failed or was cancelled. */
  reason: z.string().nullable(),
  /** The task that this one was cancelled in favour of. */
  duplicateOf: taskIdSchema.nullable(),
  priority: z.enum(Priorities),
  repository: z.string(),
  requires: z.array(z.string()),
  requiresReason: z.string(),
  submitter: peerIdSchema,
  createdAt: time,
  leader: peerIdSchema.nullable(),
  /** The current worker, or the last one. */
  worker: peerIdSchema.nullable(),
  /** The number of the current attempt, or of the last one; 0 before the first. */
  attempt: z.int(),
  electors: z.array(z.object({ peer: peerIdSchema, name: z.string(), reachable: z.boolean() })),
  /** How often its electorate has been moved, and whether without a majority: then two lives of it can meet. */
  generation: z.object({ number: z.int(), forced: z.boolean() }),
  bids: z.array(bidJsonSchema),
  attempts: z.array(attemptJsonSchema),
  /** Of all attempts together; null where none has told. */
  costUsd,
  budgetUsd: costUsd,
  progress: z.object({ at: time, text: z.string(), costUsd }).nullable(),
  result: z
    .object({
      branch: z.string(),
      commit: commitIdSchema.nullable(),
      pullRequest: z
        .object({ number: z.int(), url: z.string(), state: z.enum(['open', 'closed', 'merged']) })
        .nullable(),
      /** Whether the repository's test command passed; null where none was run. */
      verified: z.boolean().nullable(),
    })
    .nullable(),
  stalled: z.string().nullable(),
  /** A cancel that the peer was asked for waits for a majority of the electors; `adopt` takes it back. */
  cancelPending: z.boolean(),
  history: z.array(z.object({ at: time, event: z.string(), detail: z.string(), by: peerIdSchema })),
  /** It ended more than 30 days ago: what came of it is known, and what is empty here is not. */
  pruned: z.literal(true).optional(),
});
export type TaskJson = z.infer<typeof taskJsonSchema>;

export const peerJsonSchema = z.object({
  peer: peerIdSchema,
  name: z.string(),
  self: z.boolean(),
  specialties: z.array(z.string()),
  capacity: z.int(),
  running: z.int(),
  /** Null where no agent can run. */
  executor: z.string().nullable(),
  /** Null where agents run unconfined. */
  sandbox: z.string().nullable(),
  unavailable: z.object({ until: time.nullable(), reason: z.string() }).nullable(),
  lastSeenMs: z.number(),
  connected: z.boolean(),
  version: z.string(),
  /** What its agents have cost today, in UTC; null where it has not said. */
  spentTodayUsd: costUsd,
});
export type PeerJson = z.infer<typeof peerJsonSchema>;

/** Of one day, in UTC; a budget is null where there is none. */
export const spendJsonSchema = z.object({
  day: z.iso.date(),
  hereUsd: z.number().nonnegative(),
  /** As far as this peer has heard. */
  meshUsd: z.number().nonnegative(),
  dailyBudgetUsd: costUsd,
  meshDailyBudgetUsd: costUsd,
});
export type SpendJson = z.infer<typeof spendJsonSchema>;

export const statusJsonSchema = z.object({
  peer: peerIdSchema,
  name: z.string(),
  mesh: z.string(),
  /** Multiaddrs that other PCs can dial this one at. */
  addresses: z.array(z.string()),
  peers: z.array(peerJsonSchema),
  /** Of every peer that was ever met here, by its id. */
  names: z.record(z.string(), z.string()),
  spend: spendJsonSchema,
  /** Peers that were refused lately, for another protocol version. */
  refused: z.array(z.object({ peer: peerIdSchema, reason: z.string() })),
  tasks: z.array(taskJsonSchema),
});
export type StatusJson = z.infer<typeof statusJsonSchema>;

export const nodeJsonSchema = z.object({
  peer: peerIdSchema,
  name: z.string(),
  mesh: z.string(),
  pid: z.int(),
  startedAt: time,
  addresses: z.array(z.string()),
  traffic: z.object({ sentBytes: z.number(), receivedBytes: z.number() }),
  /** What this peer tells the mesh about itself. */
  advert: peerJsonSchema.nullable(),
});
export type NodeJson = z.infer<typeof nodeJsonSchema>;

/** The body of `POST /api/tasks`. */
export const submissionSchema = z.strictObject({ draft: draftSchema, again: z.boolean().default(false) });
export type Submission = z.input<typeof submissionSchema>;

/** What became of a submission, and its task as it is now. */
const view = taskJsonSchema.optional();
export const submittedSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('submitted'), task: taskIdSchema, view }),
  /** The key had a task already. */
  z.object({ type: z.literal('existing'), task: taskIdSchema, ended: z.boolean(), view }),
  /** Too few electors have stored it so far; the peer keeps trying. */
  z.object({ type: z.literal('pending'), task: taskIdSchema, stored: z.int(), electors: z.int(), view }),
  z.object({ type: z.literal('refused'), reason: z.string(), view }),
]);
export type Submitted = z.infer<typeof submittedSchema>;

export const cancelReplySchema = z.object({
  /** `publishing`: the result is on its way out. `cancel-pending`: no majority of the electors has answered yet. */
  type: z.enum(['cancelled', 'cancel-pending', 'publishing', 'ended', 'unknown-task']),
  task: taskIdSchema,
});
export type CancelReply = z.infer<typeof cancelReplySchema>;

export const adoptReplySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('adopted'), task: taskIdSchema, givenUp: z.array(peerIdSchema) }),
  /** A majority of its electors is reachable. */
  z.object({ type: z.literal('has-quorum'), task: taskIdSchema }),
  z.object({ type: z.literal('refused'), task: taskIdSchema, reason: z.string() }),
  z.object({ type: z.literal('ended'), task: taskIdSchema }),
  z.object({ type: z.literal('unknown-task'), task: taskIdSchema }),
]);
export type AdoptReply = z.infer<typeof adoptReplySchema>;

export const logReplySchema = z.union([
  z.object({ attempt: z.int(), text: z.string(), nextOffset: z.int(), end: z.boolean() }),
  z.object({ unavailable: z.string() }),
]);

export const stoppingSchema = z.object({ type: z.literal('stopping'), pid: z.int().positive() });

export const errorJsonSchema = z.object({
  error: z.object({ code: z.enum(ControlErrorCodes), message: z.string(), candidates: z.array(z.string()).optional() }),
});
export type ErrorJson = z.infer<typeof errorJsonSchema>;
