import type { LogPiece, LogQuery } from '../protocol/agent.ts';
import type { PeerId, TaskId, TaskKey } from '../protocol/ids.ts';
import type { Tombstone } from '../protocol/tombstone.ts';
import type { Command, PeerEvent, PeerView, Reply, SpendView, TaskView } from './core/io.ts';
import type { Round } from './core/rounds.ts';

/** A running peer as the control API sees it: commands in, views and events out. */
export interface PeerService {
  readonly self: PeerId;
  readonly name: string;
  readonly mesh: string;
  readonly startedAt: Date;
  addresses(): readonly string[];
  /** Sorted by name, then id; this peer and every peer it knows to live. */
  peers(): readonly PeerView[];
  /** What agents have cost today, in UTC, and what they may. */
  spend(): SpendView;
  /** Peers that were refused lately, with the reason (another protocol version). */
  refused(): readonly { readonly peer: PeerId; readonly reason: string }[];
  /** Every peer that was ever met, by name: people look for a PC that is off by its name too. Sorted by id. */
  names(): readonly (readonly [peer: PeerId, name: string])[];
  /** Sorted by creation, newest last. */
  tasks(): readonly TaskView[];
  task(id: TaskId): TaskView | null;
  /** What came of a task that ended so long ago that it was pruned; it is not among `tasks`. */
  tombstone(id: TaskId): Tombstone | null;
  /** In no order. */
  tombstones(): readonly Tombstone[];
  /** The tasks of a key, those that were pruned too, in no order. */
  rounds(key: TaskKey): readonly Round[];
  command(command: Command): Promise<Reply>;
  /** Returns how to stop listening. A listener must not throw. */
  subscribe(listener: (event: PeerEvent) => void): () => void;
  /** A piece of an attempt's log, from this PC or from the worker's, whichever has it. */
  log(query: LogQuery): Promise<LogPiece | { readonly unavailable: string }>;
  traffic(): { readonly sentBytes: number; readonly receivedBytes: number };
  /** Drains (up to the drain deadline), closes everything and ends. The second call waits for nothing. */
  stop(): Promise<void>;
}
