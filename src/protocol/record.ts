import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { fromBytes, toBytes } from './cbor.ts';
import {
  hostIdSchema,
  type PeerId,
  peerIdSchema,
  type TaskId,
  type TaskKey,
  taskKeySchema,
  wallMsSchema,
} from './ids.ts';
import { Limits } from './limits.ts';

export const bytesSchema: z.ZodType<Uint8Array> = z.instanceof(Uint8Array);
const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);
/** A specialty: `backend`, `frontend`, … or a person's own. */
export const specialtySchema = nameSchema;

/** Where the work is done. A path belongs to one PC; the others decline. */
export const repositorySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('github'), owner: z.string().min(1).max(100), name: z.string().min(1).max(100) }),
  z.object({ type: z.literal('git'), url: z.string().min(1).max(1_000) }),
  z.object({ type: z.literal('path'), path: z.string().min(1).max(1_000), host: hostIdSchema }),
]);
export type Repository = z.infer<typeof repositorySchema>;

/** `owner/name`, an address or a path: what people call it. */
export function repositoryText(repository: Repository): string {
  switch (repository.type) {
    case 'github':
      return `${repository.owner}/${repository.name}`;
    case 'git':
      return repository.url;
    case 'path':
      return repository.path;
  }
}

export const sourceSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('issue'),
    number: z.int().positive(),
    url: z.string().max(1_000),
    author: z.string().max(100),
    labels: z.array(z.string().max(100)).max(100),
  }),
  z.object({ type: z.literal('prompt') }),
]);
export type Source = z.infer<typeof sourceSchema>;

export const Priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof Priorities)[number];

/** What is asked for, before the mesh gives it a submitter, a nonce and an electorate. */
export const draftSchema = z.looseObject({
  key: taskKeySchema,
  title: z.string().min(1).max(Limits.title),
  prompt: z
    .string()
    .max(Limits.prompt)
    .refine((text) => utf8ToBytes(text).length <= Limits.prompt, 'longer than 64 KiB'),
  source: sourceSchema,
  repository: repositorySchema,
  /** Branch to start from; null = the remote's default. */
  base: z.string().min(1).max(250).nullable(),
  /** Folder of a monorepo; null = the root. */
  path: z.string().min(1).max(500).nullable(),
  /** Command that must pass before publishing; null = detected. */
  verify: z.string().min(1).max(2_000).nullable(),
  requires: z.object({
    specialties: z.array(specialtySchema).max(Limits.specialties),
    /** A person's explicit wish is a condition; what was inferred only scores. */
    explicit: z.boolean(),
    reason: z.string().max(Limits.line),
  }),
  priority: z.enum(Priorities),
  limits: z.object({
    wallMs: z.int().positive(),
    idleMs: z.int().positive(),
    budgetUsd: z.number().positive().nullable(),
  }),
});
export type Draft = z.infer<typeof draftSchema>;

export const taskBodySchema = draftSchema.extend({
  format: z.literal(1),
  /** 1, or one more for each time a person asked for the same key again. */
  round: z.int().positive(),
  submitter: peerIdSchema,
  createdAt: wallMsSchema,
  /** Hex; spreads the electorates of tasks over the mesh. */
  nonce: z.string().regex(/^[0-9a-f]{16,64}$/),
  electorate: z.array(peerIdSchema).min(1).max(Limits.electors),
});
export type TaskBody = z.infer<typeof taskBodySchema>;

/** The record as it travels: its canonical bytes, kept and forwarded as received, and the submitter's signature. */
export const signedRecordSchema = z.object({
  bytes: bytesSchema.refine((bytes) => bytes.length <= Limits.record, 'record too large'),
  signature: bytesSchema.refine((bytes) => bytes.length === 64, 'not an Ed25519 signature'),
});
export type SignedRecord = z.infer<typeof signedRecordSchema>;

/** A task: an immutable, signed record, decoded. */
export interface Task {
  readonly id: TaskId;
  readonly body: TaskBody;
  readonly signed: SignedRecord;
}

export type Sign = (bytes: Uint8Array) => Uint8Array;
export type Verify = (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => boolean;

export const taskIdOf = (bytes: Uint8Array): TaskId => bytesToHex(sha256(bytes)) as TaskId;

/** Makes the record of a task. `sign` is deterministic (Ed25519), so this stays pure. */
export function signTask(body: TaskBody, sign: Sign): Task {
  const bytes = toBytes(taskBodySchema.parse(body));
  return { id: taskIdOf(bytes), body, signed: { bytes, signature: sign(bytes) } };
}

/** The task in a record, or why it is none: a hostile or damaged record is an answer, not a throw. */
export function openTask(signed: SignedRecord, verify: Verify): Task | { readonly invalid: string } {
  const parsed = taskBodySchema.safeParse(fromBytes(signed.bytes));
  if (!parsed.success) return { invalid: z.prettifyError(parsed.error) };
  const body = parsed.data;
  if (new Set(body.electorate).size !== body.electorate.length) return { invalid: 'an elector is named twice' };
  if (!verify(body.submitter, signed.bytes, signed.signature)) return { invalid: 'the signature does not fit' };
  return { id: taskIdOf(signed.bytes), body, signed };
}

/** The branch the result goes to: known in advance to everyone, which is what makes the forge a fence. */
export function branchOf(task: Pick<Task, 'id' | 'body'>): string {
  const { source, round } = task.body;
  const suffix = round > 1 ? `-${round}` : '';
  return source.type === 'issue' ? `peer/issue-${source.number}${suffix}` : `peer/task-${task.id.slice(0, 8)}${suffix}`;
}

export const promptKey = (uuid: string): TaskKey => `prompt:${uuid}` as TaskKey;
