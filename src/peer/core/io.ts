import type { AgentReport, Aptitude, Job, PublishStep, StopReason } from '../../protocol/agent.ts';
import type { Ballot } from '../../protocol/ballot.ts';
import type { Generation } from '../../protocol/generation.ts';
import type { Advert, DaySpend, Hello } from '../../protocol/hello.ts';
import type { BlobId, CommandId, GenerationId, HostId, PeerId, RunId, TaskId, TaskKey } from '../../protocol/ids.ts';
import type { Gossip, Message, SubmitReply } from '../../protocol/messages.ts';
import type { Draft, Repository, Sign, Task } from '../../protocol/record.ts';
import type { TaskState } from '../../protocol/state.ts';
import type { Progress, StandingAnswer, StoryEvent } from '../../protocol/summary.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { DurableRecord } from '../store/store.ts';

/** Everything that can happen to a peer. Messages are decoded, verified and bounded before they come here. */
export type Input =
  | { readonly type: 'message'; readonly from: PeerId; readonly message: Received }
  | { readonly type: 'gossip'; readonly from: PeerId; readonly gossip: ReceivedGossip }
  | { readonly type: 'peer-up'; readonly peer: PeerId; readonly hello: Hello }
  | { readonly type: 'peer-down'; readonly peer: PeerId }
  | { readonly type: 'timer'; readonly timer: Timer }
  | { readonly type: 'command'; readonly id: CommandId; readonly command: Command }
  | { readonly type: 'agent'; readonly run: RunId; readonly report: AgentReport }
  /**
   * Who is now known to have a checkpoint, of those that it was to be copied to. More may follow, unless it is the
   * last.
   */
  | {
      readonly type: 'replicated';
      readonly run: RunId;
      readonly blob: BlobId;
      readonly holders: readonly PeerId[];
      readonly isLast: boolean;
    }
  /** The machine slept, or this process stood still: whatever was held on a clock is given up. */
  | { readonly type: 'woke'; readonly lostMs: number };

/** A record is opened (hash and signature checked) by the driver, so the core sees tasks. */
export type Received =
  | Exclude<Message, { type: 'task' | 'log-query' | 'log-piece' }>
  | { readonly type: 'task'; readonly task: Task };
export type ReceivedGossip = Exclude<Gossip, { type: 'task' }> | { readonly type: 'task'; readonly task: Task };

/**
 * What is to be done, in list order. `persist` is durable before the next effect begins, unless it is `lazy`: then it
 * is written with the next one that is not, and a crash may lose it, since sync would bring it back. A `send` to this
 * very peer comes back as a message, after all that stands before it. Timers are never cancelled: a stale one is
 * recognised when it fires.
 */
export type InputOf<Type extends Input['type']> = Extract<Input, { type: Type }>;

export type Effect =
  | { readonly type: 'persist'; readonly record: DurableRecord; readonly lazy: boolean }
  | { readonly type: 'send'; readonly to: PeerId; readonly message: Message }
  | { readonly type: 'broadcast'; readonly gossip: Gossip }
  | { readonly type: 'set-timer'; readonly timer: Timer; readonly afterMs: number }
  | { readonly type: 'start-agent'; readonly job: Job }
  | { readonly type: 'publish'; readonly run: RunId; readonly step: PublishStep; readonly validMs: number }
  | { readonly type: 'stop-agent'; readonly run: RunId; readonly reason: StopReason }
  /**
   * Each of these is to have the checkpoint's bytes, this peer too if it is one of them. Answered by `replicated` as
   * they come to have it, whatever came of it in the end; where the bytes are not here, nobody comes to.
   */
  | { readonly type: 'replicate'; readonly run: RunId; readonly blob: BlobId; readonly to: readonly PeerId[] }
  /** The task has ended: its checkpoints here are of no more use. */
  | { readonly type: 'forget-checkpoints'; readonly task: TaskId }
  | { readonly type: 'reply'; readonly id: CommandId; readonly reply: Reply }
  /** For observers only: logs, `status`, the simulator's oracles. Nothing may depend on it. */
  | { readonly type: 'emit'; readonly event: PeerEvent };

export type Timer =
  | { readonly type: 'tick' }
  | { readonly type: 'advert' }
  | { readonly type: 'status' }
  | { readonly type: 'sync' }
  /** An elector's turn to try for the lease; `turn` tells a stale one. */
  | { readonly type: 'elect'; readonly task: TaskId; readonly turn: number }
  | { readonly type: 'round'; readonly task: TaskId; readonly ballot: Ballot }
  | { readonly type: 'renew'; readonly task: TaskId; readonly ballot: Ballot }
  | { readonly type: 'leader'; readonly task: TaskId; readonly ballot: Ballot }
  | { readonly type: 'work'; readonly run: RunId }
  | { readonly type: 'preflight'; readonly nonce: string }
  | { readonly type: 'submission'; readonly task: TaskId }
  /** Electors of a task's next generation that have not answered. */
  | { readonly type: 'install'; readonly task: TaskId; readonly generation: GenerationId }
  | { readonly type: 'adopt'; readonly request: string }
  | { readonly type: 'request'; readonly request: string }
  | { readonly type: 'offers'; readonly turn: number }
  /** An answer that was held back, in a mesh of many peers. */
  | { readonly type: 'bid'; readonly task: TaskId; readonly attempt: number }
  | { readonly type: 'drain' };

export type Command =
  | { readonly type: 'submit'; readonly draft: Draft; readonly again: boolean }
  | { readonly type: 'cancel'; readonly task: TaskId; readonly reason: string }
  /** A person gives the unreachable electors up, a majority of them, and starts a new generation with who is there. */
  | { readonly type: 'adopt'; readonly task: TaskId }
  /** Stop taking work, hand over what is running, give up every lease; answered when nothing is left or time is up. */
  | { readonly type: 'drain' };

export type Reply =
  | SubmitReply
  | { readonly type: 'cancelled' }
  /** The result is on its way out and can no longer be recalled. */
  | { readonly type: 'publishing' }
  | { readonly type: 'ended' }
  | { readonly type: 'unknown-task' }
  | { readonly type: 'cancel-pending' }
  | { readonly type: 'adopted'; readonly task: TaskId; readonly givenUp: readonly PeerId[] }
  /** Its electors can go on by themselves. */
  | { readonly type: 'has-quorum' }
  | { readonly type: 'drained' };

export type PeerEvent =
  | { readonly type: 'peer-up'; readonly peer: PeerId; readonly name: string }
  | { readonly type: 'peer-down'; readonly peer: PeerId; readonly name: string }
  /** Something about the task that a person can see has changed. */
  | { readonly type: 'task'; readonly task: TaskId }
  | { readonly type: 'story'; readonly task: TaskId; readonly story: StoryEvent }
  | {
      readonly type: 'lease';
      readonly task: TaskId;
      readonly change: 'won' | 'lost' | 'released' | 'sealed';
      readonly ballot: Ballot;
    }
  /** This peer is an elector of a new generation. */
  | { readonly type: 'generation'; readonly task: TaskId; readonly generation: Generation }
  /** Two successors of one generation have met, and this one gives way. */
  | { readonly type: 'fork-met'; readonly task: TaskId; readonly generation: Generation }
  /** A record out of the past that no majority of its electors ever had is forgotten: nobody would take it up now. */
  | { readonly type: 'never-begun'; readonly task: TaskId; readonly key: TaskKey; readonly title: string }
  | { readonly type: 'attempt-started'; readonly task: TaskId; readonly attempt: number }
  | { readonly type: 'attempt-ended'; readonly task: TaskId; readonly attempt: number; readonly how: string };

/** What this run of this peer is, fixed at its start. */
export interface CoreConfig {
  readonly self: PeerId;
  readonly incarnation: number;
  readonly role: 'peer' | 'client';
  readonly name: string;
  readonly host: HostId;
  readonly version: string;
  readonly specialties: readonly string[];
  readonly capacity: number;
  /** What runs agents here; null where none is usable, with the reason for people. */
  readonly executor: { readonly name: string } | { readonly unusable: string };
  /**
   * What agents may cost in a day, in USD: here, which is kept, and in the whole mesh, as far as its peers have said.
   */
  readonly budgets: { readonly dailyUsd: number | null; readonly meshDailyUsd: number | null };
  /** What confines agents here; null where nothing does. */
  readonly sandbox?: string | null;
  readonly timing: Timing;
  readonly addresses: () => readonly string[];
  readonly sign: Sign;
  /** Seeded where runs are to be repeated: from 0 up to, not including, 1. */
  readonly random: () => number;
  readonly aptitude: (repository: Repository) => Aptitude;
}

/** A peer as `status` shows it. */
export interface PeerView {
  readonly self: boolean;
  readonly connected: boolean;
  readonly lastSeenMs: number;
  readonly advert: Advert;
  /** What its agents have cost today, in UTC; null where it has not said. */
  readonly spentTodayUsd: number | null;
}

/** Money as this peer knows of it. */
export interface SpendView {
  readonly here: DaySpend;
  /** With what others have said of the same day. */
  readonly meshUsd: number;
  readonly budgets: CoreConfig['budgets'];
}

/** A task as this peer knows it. */
export interface TaskView {
  readonly task: Task;
  readonly state: TaskState;
  readonly leader: PeerId | null;
  readonly generation: Generation;
  readonly electors: readonly { readonly peer: PeerId; readonly name: string; readonly reachable: boolean }[];
  readonly stalled: string | null;
  /** A cancel that was asked for here waits for a majority of the electors. */
  readonly cancelPending: boolean;
  /** The last answer of each peer to the last call. */
  readonly answers: readonly StandingAnswer[];
  readonly progress: Progress | null;
  readonly story: readonly StoryEvent[];
}
