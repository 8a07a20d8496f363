import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentReport, Job, PublishStep } from '../../protocol/agent.ts';
import type { CommitId } from '../../protocol/ids.ts';
import { addUsd } from '../../protocol/money.ts';
import { branchOf } from '../../protocol/record.ts';
import type { TaskResult } from '../../protocol/state.ts';
import { type Ending, failed } from '../attempt/ending.ts';
import type { Forge } from '../forge/forge.ts';
import { isPassing, retrying } from '../retry.ts';
import { isVerified, verdictOf } from '../verify/verdict.ts';
import type { Grant, Grants } from './grants.ts';
import { type Account, pullRequestText } from './pull-request.ts';
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
    if (tip?.commit !== publication.commit) return null;
    return this.#open(publication.commit, { summary: null, verdict: verdictOf(tip.verified) });
  }

  /**
   * Pushes the commit and opens the pull request. A push that was lost on its way, or lost the race, starts over from
   * the branch's tip, with a new grant: the tip decides what has happened.
   */
  async publish(commit: CommitId, gitDir: string, account: Account): Promise<Published> {
    const { job, forge, backoffMs, signal } = this.#parts;
    for (let moves = 0, losses = 0; moves < MaxMoves; ) {
      const own = { task: job.task.id, attempt: job.attempt, commit };
      const tip = await this.#tip();
      const found = judgeTip(tip, own, this.#branch);
      if (found.type === 'taken') return failed(found.reason, null, true);
      if (found.type === 'there') {
        const isOwn = found.commit === commit;
        return this.#open(found.commit, isOwn ? account : { ...account, verdict: verdictOf(tip?.verified ?? null) });
      }
      const { expectedTip } = found;
      await this.#granted('push', commit, expectedTip);
      try {
        const pushed = await forge.push({ gitDir, commit, branch: this.#branch, expectedTip });
        if (pushed.type === 'pushed') return this.#open(commit, account);
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

  /** What is known to fail is a draft. */
  async #open(commit: CommitId, account: Account): Promise<Published> {
    const { job, forge, costUsd, backoffMs, signal } = this.#parts;
    const verified = isVerified(account.verdict);
    const published = (result: TaskResult): Published => ({
      type: 'published',
      result: verified === null ? result : { ...result, verified },
    });
    if (!forge.opensPullRequests) return published({ branch: this.#branch, commit, pullRequest: null });
    const total = addUsd(job.earlierCostUsd, costUsd() ?? 0);
    const { title, body } = pullRequestText(job.task, job.attempt, account, total);
    const draft = verified === false;
    const open = async (): Promise<TaskResult> => {
      await this.#granted('open', commit, commit);
      return forge.openPullRequest({
        branch: this.#branch,
        base: job.task.body.base,
        title,
        body,
        draft,
        commit,
      });
    };
    return published(await retrying(open, backoffMs, signal));
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
