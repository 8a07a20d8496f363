import { z } from 'zod';
import { toBytes } from './cbor.ts';
import { byText, peerIdSchema, taskIdSchema, taskKeySchema, wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { sumSchema } from './money.ts';
import { Priorities, repositoryText, type Task } from './record.ts';
import { type End, endOf, endSchema, type TaskState } from './state.ts';
import { type Stamp, stampSchema } from './summary.ts';

const isSmall = (value: unknown): boolean => toBytes(value).length <= Limits.tombstone;
const text = z.string().max(Limits.tombstoneText);

/**
 * What is left of a task that has been pruned: that its key had a round, what came of it, and by which stamp, so that
 * it is compared with news of the same task like any other.
 */
export const tombstoneSchema = z
  .looseObject({
    task: taskIdSchema,
    key: taskKeySchema,
    round: z.int().positive(),
    title: text,
    repository: text,
    priority: z.enum(Priorities),
    submitter: peerIdSchema,
    createdAt: wallMsSchema,
    /** How many attempts were started, and what they cost together. */
    attempts: z.int().nonnegative(),
    spentUsd: sumSchema,
    stamp: stampSchema,
    end: endSchema,
  })
  .refine(isSmall, 'larger than 8 KiB');
export type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

/** Null for a task that has not ended: there is nothing to tell of it. */
export function tombstoneOf({ id, body }: Task, state: TaskState, stamp: Stamp): Tombstone | null {
  const end = endOf(state);
  if (end === null) return null;
  const tombstone = {
    task: id,
    key: body.key,
    round: body.round,
    title: body.title.slice(0, Limits.tombstoneText),
    repository: repositoryText(body.repository).slice(0, Limits.tombstoneText),
    priority: body.priority,
    submitter: body.submitter,
    createdAt: body.createdAt,
    attempts: state.attemptsStarted,
    spentUsd: state.spentUsd,
    stamp,
    end: shortened(end),
  };
  return isSmall(tombstone) ? tombstone : { ...tombstone, end: bare(tombstone.end) };
}

const shortened = (end: End): End =>
  end.name === 'done' ? end : { ...end, reason: end.reason.slice(0, Limits.tombstoneText) };

/** Without what only newer peers know of: that may be of any size. */
function bare(end: End): End {
  switch (end.name) {
    case 'done': {
      const { branch, commit, pullRequest: pull } = end.result;
      const pullRequest = pull && { number: pull.number, url: pull.url, state: pull.state };
      return { name: 'done', result: { branch, commit, pullRequest } };
    }
    case 'failed':
      return { name: 'failed', reason: end.reason };
    case 'cancelled':
      return { name: 'cancelled', reason: end.reason, duplicateOf: end.duplicateOf };
  }
}

/** The older task first: every peer gives up the same ones. */
export const compareTombstones = (a: Tombstone, b: Tombstone): number =>
  a.createdAt - b.createdAt || byText(a.task, b.task);
