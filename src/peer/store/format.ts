import { dirname } from 'node:path';
import { z } from 'zod';
import { ballotSchema, versionSchema } from '../../protocol/ballot.ts';
import { fromBytes, toBytes } from '../../protocol/cbor.ts';
import { originId } from '../../protocol/generation.ts';
import { unavailableSchema } from '../../protocol/hello.ts';
import { type GenerationId, peerIdSchema, type TaskId, taskIdSchema, wallMsSchema } from '../../protocol/ids.ts';
import { sumSchema } from '../../protocol/money.ts';
import { signedRecordSchema } from '../../protocol/record.ts';
import { taskStateSchema } from '../../protocol/state.ts';
import { standingAnswerSchema, storyEventSchema } from '../../protocol/summary.ts';
import { tombstoneSchema } from '../../protocol/tombstone.ts';
import { type DurableRecord, emptyStored, type Stored, type StoredLists, StoreError } from './store.ts';

/**
 * How records lie on disk: key `<kind>!<id>` (a register's `<task>`, or `<task>.<generation>` from the second on),
 * value CBOR `{ v, data }`. A new kind, or data that an older peer could misread, takes a new `v`: an older peer then
 * refuses the folder instead of forgetting what it promised.
 */
const formatVersion = 3;
/** Each kind is written with the version that brought it, so that only who has it cannot go back. */
const Versions = { first: 1, money: 2, tombstones: 3 } as const;

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };

export const incarnationKey = 'meta!incarnation';

const registerSchema = z.object({
  initial: taskStateSchema.nullable(),
  promised: ballotSchema.nullable(),
  accepted: z.object({ version: versionSchema, valueVersion: versionSchema, value: taskStateSchema }).nullable(),
});
const knowledgeSchema = z.object({
  version: versionSchema,
  state: taskStateSchema,
  heardAt: wallMsSchema,
  story: z.array(storyEventSchema),
  answers: z.array(standingAnswerSchema),
});
const submissionSchema = z.literal(true);
const peerSchema = z.object({ name: z.string(), addresses: z.array(z.string()) });
const spendSchema = z.object({ usd: sumSchema });
const quotaSchema = unavailableSchema.extend({ until: wallMsSchema });
const incarnationSchema = z.int().positive();
const envelopeSchema = z.object({ v: z.int().positive(), data: z.unknown() });

const taskKinds = ['task', 'knowledge', 'submission'] as const;

/** What one record changes on disk. */
export function operationsOf(record: DurableRecord): readonly Operation[] {
  switch (record.kind) {
    case 'task':
      return [put(`task!${record.task}`, signedRecordSchema, record.record)];
    case 'register':
      return [put(registerKey(record.task, record.register.initial?.generation?.id), registerSchema, record.register)];
    case 'knowledge':
      return [put(`knowledge!${record.task}`, knowledgeSchema, record.knowledge)];
    case 'submission':
      return record.pending
        ? [put(`submission!${record.task}`, submissionSchema, true)]
        : [{ type: 'del', key: `submission!${record.task}` }];
    case 'peer':
      return [put(`peer!${record.peer}`, peerSchema, { name: record.name, addresses: record.addresses })];
    case 'forget-peer':
      return [{ type: 'del', key: `peer!${record.peer}` }];
    case 'spend':
      return record.usd > 0
        ? [put(`spend!${record.day}`, spendSchema, { usd: record.usd }, Versions.money)]
        : [{ type: 'del', key: `spend!${record.day}` }];
    case 'quota':
      return record.quota !== null
        ? [put(`quota!${record.executor}`, quotaSchema, record.quota, Versions.money)]
        : [{ type: 'del', key: `quota!${record.executor}` }];
    case 'forget':
      return [
        ...taskKinds.map((kind) => `${kind}!${record.task}`),
        ...record.generations.map((generation) => registerKey(record.task, generation)),
      ].map((key) => ({ type: 'del', key }));
    case 'tombstone':
      return [put(`tombstone!${record.tombstone.task}`, tombstoneSchema, record.tombstone, Versions.tombstones)];
    case 'forget-tombstone':
      return [{ type: 'del', key: `tombstone!${record.task}` }];
  }
}

const registerKey = (task: TaskId, generation: GenerationId = originId): string =>
  generation === originId ? `register!${task}` : `register!${task}.${generation}`;

export const incarnationOperation = (incarnation: number): Operation =>
  put(incarnationKey, incarnationSchema, incarnation);

/** Checked before it is written too: what could not be read back would keep the peer from ever starting again. */
function put(key: string, schema: z.ZodType, data: unknown, v: number = Versions.first): Operation {
  const checked = schema.safeParse(data);
  if (!checked.success) throw new Error(`bug: ${key} is not fit to be stored: ${z.prettifyError(checked.error)}`);
  return { type: 'put', key, value: toBytes({ v, data }) };
}

export interface Contents {
  readonly stored: Stored;
  /** Of the last start; 0 before the first. */
  readonly incarnation: number;
}

/**
 * Reads all entries of a folder, which must come in the order of their keys.
 * @throws StoreError `unreadable`, `newer-format`.
 */
export async function readContents(
  folder: string,
  entries: AsyncIterable<readonly [string, Uint8Array]>,
): Promise<Contents> {
  const lists = emptyStored();
  let incarnation = 0;
  for await (const [key, value] of entries) {
    const data = unwrap(folder, key, value);
    try {
      if (key === incarnationKey) incarnation = incarnationSchema.parse(data);
      else addTo(lists, key, data);
    } catch (cause) {
      throw unreadable(folder, `the record ${key} is damaged`, cause);
    }
  }
  return { stored: lists, incarnation };
}

function unwrap(folder: string, key: string, value: Uint8Array): unknown {
  const envelope = envelopeSchema.safeParse(fromBytes(value));
  if (!envelope.success) throw unreadable(folder, `the record ${key} is damaged`, envelope.error);
  if (envelope.data.v > formatVersion) {
    const message = `${folder} was written by a newer version of this program: update it here, or set another PEER_HOME`;
    throw new StoreError('newer-format', folder, message);
  }
  return envelope.data.data;
}

function addTo(lists: StoredLists, key: string, data: unknown): void {
  const mark = key.indexOf('!');
  const id = key.slice(mark + 1);
  switch (key.slice(0, mark)) {
    case 'task':
      lists.tasks.push({ task: taskIdSchema.parse(id), record: signedRecordSchema.parse(data) });
      return;
    case 'register':
      lists.registers.push({ task: taskIdSchema.parse(id.split('.')[0]), register: registerSchema.parse(data) });
      return;
    case 'knowledge':
      lists.knowledge.push({ task: taskIdSchema.parse(id), knowledge: knowledgeSchema.parse(data) });
      return;
    case 'submission':
      submissionSchema.parse(data);
      lists.submissions.push(taskIdSchema.parse(id));
      return;
    case 'peer':
      lists.peers.push({ peer: peerIdSchema.parse(id), ...peerSchema.parse(data) });
      return;
    case 'spend':
      lists.spend.push({ day: z.coerce.number().int().nonnegative().parse(id), ...spendSchema.parse(data) });
      return;
    case 'quota':
      lists.quotas.push({ executor: id, quota: quotaSchema.parse(data) });
      return;
    case 'tombstone':
      lists.tombstones.push(tombstoneSchema.parse(data));
      return;
    default:
      throw new Error('a kind of record that this version does not know');
  }
}

/**
 * The mend gives the identity up as well: an elector that has forgotten its promises and its incarnation must not go on
 * under its old name.
 */
export function unreadable(folder: string, problem: string, cause: unknown): StoreError {
  const identity = `${dirname(folder)}/identity.key`;
  const message = `${folder}: ${problem}; to start this PC afresh, as a new peer, move ${folder} and ${identity} away`;
  return new StoreError('unreadable', folder, message, { cause });
}
