import type { CommitId, PeerId, RunId, TaskId, WallMs } from './ids.ts';
import type { Repository, Task } from './record.ts';
import type { Checkpoint, Publication, TaskResult } from './state.ts';

/**
 * The contract between a peer and what runs its attempts: the peer's core decides, the agent side does.
 *
 *   start ─→ (progress | checkpoint)* ─→ ready ─→ (publish push) ─→ pushed ─→ (publish open) ─→ published
 *                     └─→ failed | refused | quota                    a plain git remote: push ─→ published
 *
 * A job always ends with exactly one of `published`, `failed`, `refused`, `quota`, or, after `stop`, `stopped`; by then
 * no process of it is left.
 */
export interface Job {
  readonly run: RunId;
  readonly task: Task;
  readonly attempt: number;
  /** Set when an earlier attempt was granted a push: ask the forge about it before the agent runs again. */
  readonly publication: Publication | null;
  /** Set where an earlier attempt has saved its progress: this one goes on from there. */
  readonly checkpoint: Checkpoint | null;
  /** Who has the checkpoint's bytes. */
  readonly holders: readonly PeerId[];
  /**
   * What this attempt may cost at most: of the task's budget and of this peer's for today, what is left. Null: no
   * budget.
   */
  readonly spendableUsd: number | null;
  /** What the earlier attempts have cost together, as far as that is known. */
  readonly earlierCostUsd: number;
}

export const PublishSteps = ['push', 'open'] as const;
/** What a publish grant allows to start: pushing the branch, or opening the pull request. */
export type PublishStep = (typeof PublishSteps)[number];

/** Costs are totals of the run so far, in USD; null where the agent does not tell. */
export type AgentReport =
  | { readonly type: 'progress'; readonly text: string; readonly costUsd: number | null }
  /** Its progress is saved on this PC, ready to be sent to the electors. */
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  /** The work is committed; it wants a grant for `step` (`open` at once where the branch already is at the commit). */
  | {
      readonly type: 'ready';
      readonly step: PublishStep;
      readonly commit: CommitId;
      readonly expectedTip: CommitId | null;
    }
  | { readonly type: 'published'; readonly result: TaskResult; readonly costUsd: number | null }
  | { readonly type: 'failed'; readonly reason: string; readonly final: boolean; readonly costUsd: number | null }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'quota'; readonly until: WallMs | null; readonly reason: string; readonly costUsd: number | null }
  | { readonly type: 'stopped'; readonly costUsd?: number };

/**
 * The last two hand the attempt over: what it has done so far is saved first. `quota`: this peer may spend no more for
 * now.
 */
export const StopReasons = ['cancelled', 'superseded', 'draining', 'quota'] as const;
export type StopReason = (typeof StopReasons)[number];

/** What has become of a task. `settled`: done, or cancelled; nobody wants anything of its attempts any more. */
export type Fate = 'open' | 'failed' | 'settled' | 'unknown';

export interface AgentRunner {
  /** Never throws; everything is told through `report`, from a later turn of the event loop. */
  start(job: Job, report: (report: AgentReport) => void): void;
  /** The grant for what `ready` asked; it must have started within `validMs`, or not start at all. */
  publish(run: RunId, step: PublishStep, validMs: number): void;
  /** Kills everything the run has started. Its last report is `stopped`, unless it had already ended. */
  stop(run: RunId, reason: StopReason): void;
  /** The task has ended, here or elsewhere. */
  ended(task: TaskId): void;
  /** What this PC can do for a task, known without waiting: asked while bids are made. */
  aptitude(repository: Repository): Aptitude;
}

export interface Aptitude {
  /** Null, or why this PC cannot work on that repository. */
  readonly noAccess: string | null;
  /** A clone is there already. */
  readonly warm: boolean;
}

/** Asks for a piece of an attempt's log. */
export interface LogQuery {
  readonly task: TaskId;
  /** Null = the latest attempt. */
  readonly attempt: number | null;
  /** In bytes, as is `nextOffset`. */
  readonly offset: number;
  readonly limitBytes: number;
}

export interface LogPiece {
  readonly attempt: number;
  readonly text: string;
  readonly nextOffset: number;
  /** Nothing will follow: the attempt has ended and this is its end. */
  readonly end: boolean;
}
