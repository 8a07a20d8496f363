import type { AgentReport, PublishStep, StopReason } from '../../protocol/agent.ts';
import { type MonoMs, type Now, type PeerId, type RunId, runIdOf } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { activePhase, isTerminal, type Outcome, type TaskState } from '../../protocol/state.ts';
import type { Progress } from '../../protocol/summary.ts';
import { Saving } from './saving.ts';
import type { Step } from './step.ts';

/** What a run asks of its leader, with every heartbeat until it is answered: a grant to publish. */
export interface PublishRequest {
  readonly step: PublishStep;
  readonly fields: Pick<MessageOf<'publish-request'>, 'commit' | 'expectedTip'>;
  /**
   * By the number of each request: a grant's validity is counted from here, not from when its answer came. An answer
   * that is under way for longer than until the next heartbeat is one all the same.
   */
  readonly sentAt: Map<number, Now>;
}

/** How a run ended, told to the leader until it says that this is durable. */
export interface Ending {
  readonly outcome: Outcome;
  readonly costUsd: number | null;
}

/** What is to be told only once the work that it rests on is saved, or after it has waited long enough for that. */
export type Due =
  | { readonly type: 'ask'; readonly step: PublishStep; readonly fields: PublishRequest['fields'] }
  | { readonly type: 'end'; readonly ending: Ending };

export interface Run {
  readonly id: RunId;
  readonly task: Task;
  readonly attempt: number;
  readonly saving: Saving;
  leader: PeerId;
  /** When a leader last said that this attempt is the current one. */
  ackedAt: MonoMs;
  progress: Progress | null;
  wish: PublishRequest | null;
  due: (Due & { readonly since: MonoMs }) | null;
  /** The work is committed and waits to be published: from here on it costs nothing. */
  isReady: boolean;
  /** Set once the agent is being stopped: nothing of it counts any more but its end. */
  stopping: StopReason | null;
  /** What its end is told as, where it is stopped to go on elsewhere. */
  handedOver: Outcome | null;
  ending: Ending | null;
}

export const startedRun = (task: Task, attempt: number, leader: PeerId, step: Step): Run => ({
  id: runIdOf(task.id, attempt),
  task,
  attempt,
  saving: new Saving(),
  leader,
  ackedAt: step.monoMs,
  progress: null,
  wish: null,
  due: null,
  isReady: false,
  stopping: null,
  handedOver: null,
  ending: null,
});

/** Its agent has ended, whether or not that has been told. */
export const hasEnded = ({ ending, due }: Run): boolean => ending !== null || due?.type === 'end';

/** As far as it has told. */
export const costOf = ({ progress }: Run): number | null => progress?.costUsd ?? null;

export type EndReport = Extract<AgentReport, { type: 'published' | 'failed' | 'refused' | 'quota' }>;

/** `toldUsd`: what it had cost by its last report, for an end that says nothing of it. */
export function endingOf(report: EndReport, toldUsd: number | null): Ending {
  switch (report.type) {
    case 'published':
      return { outcome: { type: 'done', result: report.result }, costUsd: report.costUsd ?? toldUsd };
    case 'failed': {
      const { reason, final, costUsd } = report;
      return { outcome: { type: 'failed', reason: bounded(reason), final }, costUsd: costUsd ?? toldUsd };
    }
    case 'refused':
      return { outcome: { type: 'refused', reason: bounded(report.reason) }, costUsd: toldUsd };
    case 'quota': {
      const { until, reason, costUsd } = report;
      return { outcome: { type: 'quota', until, reason: bounded(reason) }, costUsd: costUsd ?? toldUsd };
    }
  }
}

const bounded = (reason: string): string => reason.slice(0, Limits.reason);

/** What the state of its task says of a run: its attempt is over; its end is written down, so that it may be forgotten. */
export function standingOf(
  { attempt }: Run,
  state: TaskState,
  self: PeerId,
): { readonly isOver: boolean; readonly isRecorded: boolean } {
  // After a fork the attempt of this number can be another peer's.
  const isAnothers = state.attempts.some(({ number, worker }) => number === attempt && worker !== self);
  const isOver = isTerminal(state) || state.attemptsStarted > attempt || isAnothers;
  return { isOver, isRecorded: isOver || (state.attemptsStarted === attempt && activePhase(state) === null) };
}
