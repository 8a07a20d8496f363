import { z } from 'zod';
import { byText, peerIdSchema, taskIdSchema, taskKeySchema, wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { sumSchema } from './money.ts';
import { Priorities, repositoryText, type Task } from './record.ts';
import { type End, endOf, endSchema, type TaskState } from './state.ts';
import { type Stamp, stampSchema } from './summary.ts';

const text = z.string().max(Limits.tombstoneText);

/**
 * What is left of a task that has been pruned: that its key had a round, what came of it, and by which stamp, so that
 * it is compared with news of the same task like any other.
 */
export const tombstoneSchema = z.looseObject({
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
});
export type Tombstone = Readonly<z.infer<typeof tombstoneSchema>>;

/** Null for a task that has not ended: there is nothing to tell of it. */
export function tombstoneOf({ id, body }: Task, state: TaskState, stamp: Stamp): Tombstone | null {
  const end = endOf(state);
  if (end === null) return null;
  return {
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
}

const shortened = (end: End): End =>
  end.name === 'done' ? end : { ...end, reason: end.reason.slice(0, Limits.tombstoneText) };

/** The older task first: every peer gives up the same ones. */
export const compareTombstones = (a: Tombstone, b: Tombstone): number =>
  a.createdAt - b.createdAt || byText(a.task, b.task);
