import type { Command, PeerEvent, Reply } from '../../src/peer/core/io.ts';
import type { StoredRegister } from '../../src/peer/store/store.ts';
import type { AgentReport, Job, PublishStep, StopReason } from '../../src/protocol/agent.ts';
import type { BlobId, CommitId, RunId, TaskId } from '../../src/protocol/ids.ts';
import type { Task } from '../../src/protocol/record.ts';
import type { TaskState } from '../../src/protocol/state.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';

type OfEvent<Type extends PeerEvent['type']> = Extract<PeerEvent, { type: Type }>;

export type PeerChange = 'started' | 'crashed' | 'left' | 'paused' | 'continued' | 'slept' | 'woke';

/** By the peer's own wall clock, and what it may spend in a day. */
interface Means {
  readonly wallMs: number;
  readonly day: number;
  readonly dailyUsd: number | null;
}

/** What an observer with true time sees of peers: their effects, never their insides. */
type PeerSight =
  /** `leases`: those it held when it fell asleep, or those alive on its disk when it was started. */
  | { readonly type: 'peer'; readonly change: PeerChange; readonly leases: number }
  /** It has lost its disk and never comes back; `by` is new. */
  | { readonly type: 'replaced'; readonly by: string }
  /** A task's record is on a disk, or about to be. */
  | { readonly type: 'record'; readonly task: Task }
  /** An elector's vote is durable. */
  | { readonly type: 'register'; readonly task: TaskId; readonly register: StoredRegister }
  /** This peer shows its people that the task has ended. */
  | { readonly type: 'told-end'; readonly task: TaskId; readonly state: TaskState }
  /** It has pruned the task, or heard that another one has, and keeps no more than what came of it. */
  | { readonly type: 'buried'; readonly tombstone: Tombstone }
  /** This peer believes to lead, and so do these, itself included. */
  | { readonly type: 'leads'; readonly task: TaskId; readonly leaders: readonly string[] }
  | OfEvent<'lease'>
  | OfEvent<'generation'>
  | OfEvent<'fork-met'>
  | ({ readonly type: 'agent-started'; readonly job: Job; readonly running: number; readonly capacity: number } & Means)
  | { readonly type: 'agent-stopped'; readonly run: RunId; readonly reason: StopReason }
  | { readonly type: 'agent-ended'; readonly run: RunId; readonly how: string }
  /** An agent has cost so much more, whether or not anybody hears of it. */
  | ({ readonly type: 'spent'; readonly run: RunId; readonly usd: number } & Means)
  /** The core takes an agent's report in, and will carry out what follows unless the process dies of it. */
  | ({ readonly type: 'told'; readonly run: RunId; readonly report: AgentReport } & Means)
  /** The day's spend is on its disk, or that it is out of quota until then. */
  | { readonly type: 'counted'; readonly day: number; readonly usd: number }
  | { readonly type: 'limited'; readonly untilMs: number }
  /** On its disk: its own or a copy. */
  | { readonly type: 'checkpoint-kept'; readonly task: TaskId; readonly blob: BlobId }
  /** An attempt goes on from what an earlier one has saved. */
  | { readonly type: 'went-on'; readonly run: RunId; readonly blob: BlobId }
  | { readonly type: 'wants-grant'; readonly run: RunId; readonly step: PublishStep }
  /** A grant to start `step`, good until that true time. */
  | { readonly type: 'granted'; readonly run: RunId; readonly step: PublishStep; readonly untilMs: number }
  /** In the end: the phase in which this peer knows the task, or null where it does not. */
  | { readonly type: 'shows'; readonly task: TaskId; readonly phase: string | null }
  | { readonly type: 'asked'; readonly id: string; readonly command: Command }
  | { readonly type: 'replied'; readonly id: string; readonly reply: Reply };

/** What happens at the forge. `place` names a branch in its repository; `by` is null for people. */
type ForgeSight =
  | {
      readonly type: 'pushed';
      readonly place: string;
      readonly by: RunId | null;
      readonly commit: CommitId;
      readonly replaced: CommitId | null;
      readonly accepted: boolean;
    }
  | { readonly type: 'pull-opened'; readonly place: string; readonly number: number; readonly by: RunId }
  | { readonly type: 'pull-ended'; readonly place: string; readonly number: number; readonly how: 'merged' | 'closed' }
  | { readonly type: 'branch-removed'; readonly place: string; readonly by: RunId | null };

/** What befalls the network. */
type NetworkSight =
  | {
      readonly type: 'cut';
      readonly id: number;
      readonly kind: string;
      readonly peers: readonly string[];
      /** The other side. */
      readonly others: readonly string[];
    }
  | { readonly type: 'healed'; readonly id: number };

export type Observation =
  | ({ readonly at: number; readonly peer: string } & PeerSight)
  | ({ readonly at: number } & (ForgeSight | NetworkSight));
export type ObservationOf<Type extends Observation['type']> = Extract<Observation, { type: Type }>;

/** Oracles, histories and traces are all made of what they are shown, in order. */
export interface Observer {
  see(observation: Observation): void;
}

export const attemptOfRun = (run: RunId): number => Number(run.slice(run.lastIndexOf('/') + 1));
