import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentReport, Job, PublishStep } from '../protocol/agent.ts';
import type { CommitId } from '../protocol/ids.ts';
import { addUsd } from '../protocol/money.ts';
import { branchOf } from '../protocol/record.ts';
import type { TaskResult } from '../protocol/state.ts';
import { type Ending, failed } from './ending.ts';
import type { Forge } from './forge/forge.ts';
import type { Grant, Grants } from './grants.ts';
import { pullRequestText } from './pull-request.ts';
import { isPassing, retrying } from './retry.ts';
import { judgeTip } from './tip.ts';

export interface PublisherParts {
  readonly job: Job;
  readonly forge: Forge;
  readonly grants: Grants;
  readonly report: (report: AgentReport) => void;
  /** Of this attempt so far. */
  readonly costUsd: () => number | null;
  readonly backoffMs: readonly number[];
  readonly signal: AbortSignal;
}

/** The job's outcome at the forge; the cost is the job's to add. */
export type Published = { readonly type: 'published'; readonly result: TaskResult } | Ending;

/** A branch that has moved this often under our pushes is somebody's battlefield. */
const MaxMoves = 5;

/** Brings a commit to the forge, each step under a grant of its own. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #branch: string;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#branch = branchOf(parts.job.task);
  }

  /** What an earlier attempt was granted to push is there: only the rest is to be done. Null where it is not. */
  async finishEarlier(): Promise<Published | null> {
    const { publication } = this.#parts.job;
    if (publication === null) return null;
    const tip = await this.#tip();
    return tip?.commit === publication.commit ? this.#open(publication.commit, null) : null;
  }

  /**
   * Pushes the commit and opens the pull request. A push that was lost on its way, or lost the race, starts over from the
   * branch's tip, with a new grant: the tip decides what has happened.
   */
  async publish(commit: CommitId, gitDir: string, summary: string | null): Promise<Published> {
    const { job, forge, backoffMs, signal } = this.#parts;
    for (let moves = 0, losses = 0; moves < MaxMoves; ) {
      const own = { task: job.task.id, attempt: job.attempt, commit };
      const verdict = judgeTip(await this.#tip(), own, this.#branch);
      if (verdict.type === 'taken') return failed(verdict.reason, null, true);
      if (verdict.type === 'there') return this.#open(verdict.commit, summary);
      const { expectedTip } = verdict;
      await this.#granted('push', commit, expectedTip);
      try {
        const pushed = await forge.push({ gitDir, commit, branch: this.#branch, expectedTip });
        if (pushed.type === 'pushed') return this.#open(commit, summary);
        moves += 1;
      } catch (error) {
        const pauseMs = backoffMs[losses];
        if (!isPassing(error) || pauseMs === undefined) throw error;
        losses += 1;
        await sleep(pauseMs, undefined, { signal });
      }
    }
    return failed(`the branch \`${this.#branch}\` moved with every push`, null);
  }

  async #open(commit: CommitId, summary: string | null): Promise<Published> {
    const { job, forge, costUsd, backoffMs, signal } = this.#parts;
    if (!forge.opensPullRequests) {
      return { type: 'published', result: { branch: this.#branch, commit, pullRequest: null } };
    }
    const total = addUsd(job.earlierCostUsd, costUsd() ?? 0);
    const { title, body } = pullRequestText(job.task, job.attempt, summary, total);
    const open = async (): Promise<TaskResult> => {
      await this.#granted('open', commit, commit);
      return forge.openPullRequest({
        branch: this.#branch,
        base: job.task.body.base,
        title,
        body,
        draft: false,
        commit,
      });
    };
    return { type: 'published', result: await retrying(open, backoffMs, signal) };
  }

  /** Asks for a grant until there is one that can still be used. */
  async #granted(step: PublishStep, commit: CommitId, expectedTip: CommitId | null): Promise<void> {
    const { grants, report, signal } = this.#parts;
    for (let grant: Grant | null = null; grant === null || !grant.isValid(); ) {
      const next = grants.next(step, signal);
      report({ type: 'ready', step, commit, expectedTip });
      grant = await next;
    }
  }

  #tip(): ReturnType<Forge['tip']> {
    const { forge, backoffMs, signal } = this.#parts;
    return retrying(() => forge.tip(this.#branch), backoffMs, signal);
  }
}
