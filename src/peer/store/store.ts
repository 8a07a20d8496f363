import type { Ballot, Version } from '../../protocol/ballot.ts';
import type { DaySpend } from '../../protocol/hello.ts';
import type { GenerationId, PeerId, TaskId, WallMs } from '../../protocol/ids.ts';
import type { SignedRecord } from '../../protocol/record.ts';
import type { TaskState } from '../../protocol/state.ts';
import type { StandingAnswer, StoryEvent } from '../../protocol/summary.ts';
import type { Tombstone } from '../../protocol/tombstone.ts';

/** An elector's durable state of one generation of a task: what A1, A2, A4 and M3 need after a restart. */
export interface StoredRegister {
  /** The value it was installed with, which names its generation; null = the origin, which begins with nothing. */
  readonly initial: TaskState | null;
  readonly promised: Ballot | null;
  readonly accepted: { readonly version: Version; readonly valueVersion: Version; readonly value: TaskState } | null;
}

/** What a peer knows of a task it may have no seat for: the last state heard of, with its version. */
export interface StoredKnowledge {
  readonly version: Version;
  readonly state: TaskState;
  readonly heardAt: WallMs;
  readonly story: readonly StoryEvent[];
  readonly answers: readonly StandingAnswer[];
}

/** A usage limit that an executor has met here: it is of no use until then, whether or not the peer is restarted. */
export interface StoredQuota {
  readonly until: WallMs;
  readonly reason: string;
}

/** One durable fact, by kind and key; writing it again replaces it. */
export type DurableRecord =
  | { readonly kind: 'task'; readonly task: TaskId; readonly record: SignedRecord }
  | { readonly kind: 'register'; readonly task: TaskId; readonly register: StoredRegister }
  | { readonly kind: 'knowledge'; readonly task: TaskId; readonly knowledge: StoredKnowledge }
  /** A submission this peer still has to bring to a majority of its electors. */
  | { readonly kind: 'submission'; readonly task: TaskId; readonly pending: boolean }
  | { readonly kind: 'peer'; readonly peer: PeerId; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'forget-peer'; readonly peer: PeerId }
  /** What agents have cost here in one day; nothing = forget that day. */
  | ({ readonly kind: 'spend' } & DaySpend)
  | { readonly kind: 'quota'; readonly executor: string; readonly quota: StoredQuota | null }
  /** Forgets everything stored about a task, the registers of these generations included. */
  | { readonly kind: 'forget'; readonly task: TaskId; readonly generations: readonly GenerationId[] }
  /** What is left of a task once everything else about it is forgotten. */
  | { readonly kind: 'tombstone'; readonly tombstone: Tombstone }
  | { readonly kind: 'forget-tombstone'; readonly task: TaskId };

/** Everything a peer finds at its start, each list sorted by its key. */
export interface Stored {
  readonly tasks: readonly { readonly task: TaskId; readonly record: SignedRecord }[];
  readonly registers: readonly { readonly task: TaskId; readonly register: StoredRegister }[];
  readonly knowledge: readonly { readonly task: TaskId; readonly knowledge: StoredKnowledge }[];
  readonly submissions: readonly TaskId[];
  readonly peers: readonly { readonly peer: PeerId; readonly name: string; readonly addresses: readonly string[] }[];
  readonly spend: readonly DaySpend[];
  readonly quotas: readonly { readonly executor: string; readonly quota: StoredQuota }[];
  readonly tombstones: readonly Tombstone[];
}

export type StoredLists = { -readonly [Kind in keyof Stored]: Stored[Kind][number][] };

/** What a first start finds. */
export const emptyStored = (): StoredLists => ({
  tasks: [],
  registers: [],
  knowledge: [],
  submissions: [],
  peers: [],
  spend: [],
  quotas: [],
  tombstones: [],
});

/** Every implementation passes the suite in test/contracts/store.ts. */
export interface Store {
  /**
   * Opens the folder for this process alone and counts this start.
   * @throws StoreError `locked` when another process has it, `unreadable`, `newer-format`.
   */
  open(): Promise<{ readonly stored: Stored; readonly incarnation: number }>;
  /**
   * Resolves once all of the records are durable (fsync): after a crash all of them are there or none. Calls that do
   * not wait for each other take effect in the order they were made.
   * @throws StoreError `unwritable`, and then for every later call: what of the failed one is on disk is unknown.
   */
  write(records: readonly DurableRecord[]): Promise<void>;
  /** Waits for the writes under way. */
  close(): Promise<void>;
}

export type StoreErrorCode = 'locked' | 'unreadable' | 'newer-format' | 'unwritable';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly folder: string;
  constructor(code: StoreErrorCode, folder: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.folder = folder;
  }
}
