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

/** What was asked, which is the same however it ends. */
type Epitaph = Pick<
  Tombstone,
  'task' | 'key' | 'round' | 'title' | 'repository' | 'priority' | 'submitter' | 'createdAt'
>;

const epitaphOf = ({ id, body }: Task): Epitaph => ({
  task: id,
  key: body.key,
  round: body.round,
  title: body.title.slice(0, Limits.tombstoneText),
  repository: repositoryText(body.repository).slice(0, Limits.tombstoneText),
  priority: body.priority,
  submitter: body.submitter,
  createdAt: body.createdAt,
});

/** Null for a task that has not ended: there is nothing to tell of it. */
export const tombstoneOf = (task: Task, state: TaskState, stamp: Stamp): Tombstone | null =>
  endedAs(epitaphOf(task), state, stamp);

/** The same task's tombstone, by news of it. Null where that tells of no end. */
export function endedAs(epitaph: Epitaph, state: TaskState, stamp: Stamp): Tombstone | null {
  const end = endOf(state);
  if (end === null) return null;
  const { attemptsStarted: attempts, spentUsd } = state;
  const tombstone = { ...epitaph, attempts, spentUsd, stamp, end: shortened(end) };
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
