import { judgeTip } from '../../../src/agents/publish/tip.ts';
import type { AgentReport, Job, PublishStep } from '../../../src/protocol/agent.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import { branchOf } from '../../../src/protocol/record.ts';
import type { TaskResult } from '../../../src/protocol/state.ts';
import type { AgentHost } from '../agents.ts';
import { placeOf } from '../oracles/oracle.ts';
import type { Pull, VirtualForge } from './forge.ts';
import { type Waiting, waitFor } from './waiting.ts';
import { lost, type RequestKind, type Wire } from './wire.ts';

export type Ending = Extract<AgentReport, { type: 'published' | 'failed' | 'refused' | 'quota' | 'stopped' }>;
type Published = Extract<Ending, { type: 'published' | 'failed' }>;

export interface PublishingParts {
  readonly job: Job;
  readonly host: AgentHost;
  readonly forge: VirtualForge;
  readonly wire: Wire;
  readonly grants: VirtualGrants;
}

/** As in the product: of `Publisher`, its retries and the GitHub forge. */
const maxMoves = 5;
const backoffMs: readonly number[] = [500, 2_000, 5_000, 15_000];
const maxLookMs = 20_000;

/** Where a job waits for the grant that it has asked for: `Grants` without promises. */
export class VirtualGrants {
  readonly #host: AgentHost;
  #waiting: { readonly step: PublishStep; readonly resume: (validMs: number) => void } | null = null;

  constructor(host: AgentHost) {
    this.#host = host;
  }

  give(step: PublishStep, validMs: number): void {
    if (this.#waiting?.step !== step) return;
    const { resume } = this.#waiting;
    this.#waiting = null;
    resume(validMs);
  }

  /** Asks for a grant until there is one that can still be used, a moment later. */
  *granted(step: PublishStep, commit: CommitId, expectedTip: CommitId | null, job: Job): Waiting<void> {
    for (let isValid = false; !isValid; ) {
      const validMs = yield* waitFor<number>((resume) => {
        this.#waiting = { step, resume };
        this.#host.report(job.run, { type: 'ready', step, commit, expectedTip });
      }, true);
      const given = this.#host.clocks();
      yield* sleeping(this.#host, turnMs);
      const { monoMs, wallMs } = this.#host.clocks();
      isValid = monoMs - given.monoMs < validMs && Math.abs(wallMs - given.wallMs) < validMs;
    }
  }
}

/** From a grant until git or the request is on its way. */
const turnMs = 5;

export function* sleeping(host: AgentHost, ms: number): Waiting<void> {
  yield* waitFor<void>((resume) => host.after(ms, () => resume()), true);
}

const failed = (reason: string, final = false): Published => ({ type: 'failed', reason, final, costUsd: null });

/** Brings a commit to the virtual forge with the decisions of the product's publisher and its GitHub forge. */
export class Publishing {
  readonly #parts: PublishingParts;
  readonly #place: string;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
    this.#place = placeOf(parts.job.task);
  }

  *finishEarlier(): Waiting<Published | null> {
    const { publication } = this.#parts.job;
    if (publication === null) return null;
    const tip = yield* this.#tip();
    if (tip === lost) return failed('the forge cannot be reached');
    return tip?.commit === publication.commit ? yield* this.#open(publication.commit) : null;
  }

  *publish(commit: CommitId): Waiting<Published> {
    const { job, forge, host, grants } = this.#parts;
    for (let moves = 0, losses = 0; moves < maxMoves; ) {
      const tip = yield* this.#tip();
      if (tip === lost) return failed('the forge cannot be reached');
      const verdict = judgeTip(tip, { task: job.task.id, attempt: job.attempt, commit }, this.#place);
      if (verdict.type === 'taken') return failed(verdict.reason, true);
      if (verdict.type === 'there') return yield* this.#open(verdict.commit);
      const { expectedTip } = verdict;
      yield* grants.granted('push', commit, expectedTip, job);
      const pushed = yield* this.#request('push', () =>
        forge.push({ place: this.#place, commit, expectedTip, by: job.run }),
      );
      if (pushed === true) return yield* this.#open(commit);
      if (pushed === false) {
        moves += 1;
        continue;
      }
      const pauseMs = backoffMs[losses];
      if (pauseMs === undefined) return failed('the forge cannot be reached');
      losses += 1;
      yield* sleeping(host, pauseMs);
    }
    return failed('the branch moved with every push');
  }

  *#open(commit: CommitId): Waiting<Published> {
    const { job, host, grants } = this.#parts;
    const branch = branchOf(job.task);
    if (job.task.body.repository.type !== 'github')
      return { type: 'published', result: { branch, commit, pullRequest: null }, costUsd: null };
    for (const pauseMs of [...backoffMs, null]) {
      yield* grants.granted('open', commit, commit, job);
      const result = yield* this.#openPullRequest(commit);
      if (result === null) return failed('GitHub refused the pull request');
      if (result !== lost) return { type: 'published', result, costUsd: null };
      if (pauseMs !== null) yield* sleeping(host, pauseMs);
    }
    return failed('GitHub cannot be reached');
  }

  /** Null where it is refused for another reason than that somebody was faster. */
  *#openPullRequest(commit: CommitId): Waiting<TaskResult | typeof lost | null> {
    const { job, forge, host } = this.#parts;
    const began = host.clocks();
    const found = yield* this.#look();
    if (found === lost) return lost;
    if (found !== null) return yield* this.#adopt(found, commit);
    const now = host.clocks();
    if (Math.max(now.monoMs - began.monoMs, Math.abs(now.wallMs - began.wallMs)) > maxLookMs) return lost;
    const created = yield* this.#request('write', () => forge.openPull(this.#place, job.run));
    if (created === lost) return lost;
    if (created !== null) return this.#resultOf(created, commit);
    const rival = yield* this.#look();
    return rival === null || rival === lost ? rival : yield* this.#adopt(rival, commit);
  }

  *#look(): Waiting<Pull | typeof lost | null> {
    const { forge } = this.#parts;
    return yield* this.#request('read', () => mostAlive(forge.pullsFrom(this.#place)));
  }

  /** One that has ended stays ended, and a branch that was pushed after its end is a mistake. */
  *#adopt(pull: Pull, commit: CommitId): Waiting<TaskResult> {
    const { forge, job } = this.#parts;
    if (pull.state === 'open') return this.#resultOf(pull, commit);
    if (pull.head !== commit) yield* this.#request('push', () => forge.remove(this.#place, commit, job.run));
    return this.#resultOf(pull, pull.head);
  }

  *#tip(): Waiting<ReturnType<VirtualForge['tip']> | typeof lost> {
    const { forge, host } = this.#parts;
    for (const pauseMs of [...backoffMs, null]) {
      const tip = yield* this.#request('read', () => forge.tip(this.#place));
      if (tip !== lost) return tip;
      if (pauseMs !== null) yield* sleeping(host, pauseMs);
    }
    return lost;
  }

  *#request<T>(kind: RequestKind, carryOut: () => T): Waiting<T | typeof lost> {
    const { wire, host } = this.#parts;
    return yield* waitFor<T | typeof lost>((resume) => wire.request(host, kind, carryOut, resume), false);
  }

  #resultOf({ number, state }: Pull, commit: CommitId): TaskResult {
    const url = `https://forge.test/${this.#place}/pull/${number}`;
    return { branch: branchOf(this.#parts.job.task), commit, pullRequest: { number, url, state } };
  }
}

/** The newest of the open ones, else of the merged, else of the closed. */
const mostAlive = (newestFirst: readonly Pull[]): Pull | null =>
  (['open', 'merged', 'closed'] as const)
    .map((state) => newestFirst.find((pull) => pull.state === state))
    .find((pull) => pull !== undefined) ?? null;
