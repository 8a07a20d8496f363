import { randomUUID } from 'node:crypto';
import type { Job } from '../../protocol/agent.ts';
import type { CommitId } from '../../protocol/ids.ts';
import type { Checkpointer } from '../checkpoint/checkpointer.ts';
import type { Executor, ExecutorContext, ExecutorEvent, ExecutorOutcome, RunLimits } from '../executors/executor.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Specialist } from '../specialists/specialist.ts';
import { type Chosen, chooseVerify, type VerifySettings } from '../verify/choose.ts';
import { runVerify } from '../verify/run.ts';
import { describeVerdict, fixText, type Verdict } from '../verify/verdict.ts';
import { type FreeBytes, SpaceWatch } from '../workspace/space.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { AttemptUsage } from './attempt-usage.ts';
import { goOnText, promptFor } from './prompt.ts';

/** Enough for any issue, and an end for an agent that goes round in circles. */
const defaultTurns = 200;
/** A test run that takes longer is none to wait for. */
const verifyMs = 15 * 60_000;

export interface WorkParts {
  readonly job: Job;
  readonly workspace: Workspace;
  readonly executor: Executor;
  readonly specialist: Specialist;
  readonly sandbox: Sandbox;
  readonly verify: VerifySettings;
  readonly checkpointer: Checkpointer;
  /** The beginning of the marks of this attempt's processes. */
  readonly markPrefix: string;
  readonly freeBytes: FreeBytes;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ExecutorEvent) => void;
  /** One line of what is going on, for people and the log. */
  readonly say: (text: string) => void;
}

/** `commit` is in the workspace's `publishDir`; where a verdict was reached, whatever ran for it could write there. */
export interface Finished {
  readonly type: 'finished';
  readonly summary: string | null;
  readonly commit: CommitId;
  readonly verdict: Verdict;
}

export type WorkOutcome =
  | Finished
  | { readonly type: 'unchanged'; readonly summary: string | null }
  /** Saved: as it was before tests began to run in it. */
  | { readonly type: 'interrupted'; readonly isSaved: boolean }
  | Exclude<ExecutorOutcome, { type: 'finished' | 'interrupted' }>;

/** It was saved before tests ran: what they have left in the clone since is not worth saving. */
export function isSaved(outcome: WorkOutcome): boolean {
  if (outcome.type === 'interrupted') return outcome.isSaved;
  return outcome.type === 'finished' && outcome.verdict.type !== 'not-run';
}

/**
 * What happens in an attempt's clone, from the agent's first word to the last test.
 *
 *   agent ─→ commit ─→ verify ─→ finished
 *     └─── what fails ───┘ at most `verify.rounds` times
 *
 * Time and money are the attempt's: all its rounds share them.
 */
export class Work {
  readonly #parts: WorkParts;
  readonly #startedAt = performance.now();
  readonly #usage = new AttemptUsage();
  /** The clone as it is now is of no more worth than the last checkpoint. */
  #isSaved = false;
  #hasBegun = false;
  #full: string | null = null;
  readonly #tooFull = new AbortController();
  readonly #signal: AbortSignal;

  constructor(parts: WorkParts) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#tooFull.signal]);
  }

  /** Its agent has said something, or has ended: what is amiss from here on may be of its making. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Why all was stopped; null where the disk has had room all the time. */
  get full(): string | null {
    return this.#full;
  }

  async run(): Promise<WorkOutcome> {
    const { workspace, freeBytes } = this.#parts;
    const watch = new SpaceWatch(workspace.folder, freeBytes, (reason) => {
      this.#full = reason;
      this.#tooFull.abort();
    });
    const outcome = await this.#run().finally(() => watch.close());
    if (this.#full === null || outcome.type === 'finished' || this.#parts.signal.aborted) return outcome;
    return { type: 'failed', reason: this.#full };
  }

  async #run(): Promise<WorkOutcome> {
    try {
      const chosen = await this.#choose();
      const outcome = await this.#runAgent(chosen, this.#parts.job.checkpoint === null ? null : goOnText);
      return outcome.type === 'finished' ? await this.#mend(chosen, outcome.summary) : this.#unfinished(outcome);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      return { type: 'interrupted', isSaved: this.#isSaved };
    }
  }

  /** Until it passes, or as often as it may. */
  async #mend(chosen: Chosen, summary: string | null): Promise<WorkOutcome> {
    let done = await this.#judge(chosen, summary);
    for (let round = 1; done.type === 'finished' && done.verdict.type === 'failed'; round += 1) {
      if (round > this.#parts.verify.rounds || !this.#canGoOn()) return done;
      const { commit, verdict } = done;
      await this.#parts.workspace.leaveOutSince(commit, this.#signal);
      this.#parts.say(`the agent is told what fails (${round} of ${this.#parts.verify.rounds})`);
      const next = await this.#runAgent(chosen, fixText(verdict));
      // What it had finished before is worth more than nothing.
      if (next.type === 'failed') return this.#without(done, next.reason);
      if (next.type !== 'finished') return this.#unfinished(next);
      done = await this.#judge(chosen, joined(done.summary, next.summary));
    }
    return done;
  }

  #unfinished(outcome: Exclude<ExecutorOutcome, { type: 'finished' }>): WorkOutcome {
    return outcome.type === 'interrupted' ? { ...outcome, isSaved: this.#isSaved } : outcome;
  }

  #without(done: Finished, reason: string): Finished {
    this.#parts.say(`what fails was not mended: ${reason}`);
    return done;
  }

  /** The commit is taken first: what verify leaves behind is no work. */
  async #judge(before: Chosen, summary: string | null): Promise<WorkOutcome> {
    const { workspace, checkpointer, say } = this.#parts;
    say('the agent has finished; committing its work');
    const commit = await workspace.snapshot(this.#signal);
    if (commit === null) return { type: 'unchanged', summary };
    // Where there were no tests before, the agent may have made the first.
    const chosen = before.type === 'command' ? before : await this.#choose();
    if (chosen.type === 'command') {
      await checkpointer.make(commit);
      this.#isSaved = true;
    }
    const verdict = await this.#verify(chosen);
    if (verdict.type === 'interrupted') return this.#unfinished(verdict);
    say(describeVerdict(verdict));
    return { type: 'finished', summary, commit, verdict };
  }

  async #verify(chosen: Chosen): ReturnType<typeof runVerify> {
    if (chosen.type === 'none') return { type: 'not-run', reason: chosen.reason };
    const { job, workspace, onEvent, say } = this.#parts;
    say(`verifying: ${chosen.name}`);
    return runVerify({
      command: chosen,
      folder: workspace.folder,
      mark: this.#mark(),
      limits: { wallMs: Math.min(verifyMs, this.#leftMs()), idleMs: job.task.body.limits.idleMs },
      confine: this.#confine,
      signal: this.#signal,
      onLine: (line, stream) => {
        onEvent({ type: 'output', line, stream });
        if (line.trim() !== '') onEvent({ type: 'progress', text: `verifying: ${line}` });
      },
    });
  }

  async #runAgent(chosen: Chosen, followUp: string | null): Promise<ExecutorOutcome> {
    const { job, workspace, executor, specialist, checkpointer } = this.#parts;
    const { task, attempt } = job;
    this.#isSaved = false;
    checkpointer.start();
    try {
      const outcome = await executor.run(
        {
          task,
          attempt,
          specialist,
          prompt: promptFor(task, { verify: chosen.type === 'command' ? chosen.name : null, notes: workspace.notes }),
          followUp,
          limits: this.#limits(),
          confine: this.#confine,
          cwd: workspace.cwd,
          folder: workspace.folder,
          sessionDir: workspace.sessionDir,
          mark: this.#mark(),
          signal: this.#signal,
        },
        (event) => this.#onAgent(event),
      );
      this.#hasBegun = true;
      return outcome;
    } finally {
      this.#usage.endRun();
      await checkpointer.stop();
    }
  }

  #onAgent(event: ExecutorEvent): void {
    this.#hasBegun = true;
    this.#parts.onEvent(event.type === 'usage' ? this.#usage.add(event) : event);
  }

  readonly #confine: ExecutorContext['confine'] = (command, needs) => {
    const { sandbox, workspace } = this.#parts;
    return sandbox.confine(command, needs, workspace.places);
  };

  #choose(): Promise<Chosen> {
    const { job, verify, workspace } = this.#parts;
    return chooseVerify(job.task, verify, workspace);
  }

  #mark(): string {
    return `${this.#parts.markPrefix}${randomUUID()}`;
  }

  #limits(): RunLimits {
    const { task, spendableUsd } = this.#parts.job;
    const { spentUsd } = this.#usage;
    return {
      wallMs: this.#leftMs(),
      idleMs: task.body.limits.idleMs,
      turns: defaultTurns,
      costUsd: spendableUsd === null ? null : spendableUsd - spentUsd,
      spentUsd,
    };
  }

  /** For a whole round of the agent. */
  #canGoOn(): boolean {
    const { costUsd } = this.#limits();
    return this.#leftMs() > 1_000 && (costUsd === null || costUsd > 0);
  }

  /** At least a moment: a time limit of nothing would be none. */
  #leftMs(): number {
    const { wallMs } = this.#parts.job.task.body.limits;
    return Math.max(1, wallMs - (performance.now() - this.#startedAt));
  }
}

const joined = (first: string | null, then: string | null): string | null =>
  first === null || then === null ? (first ?? then) : `${first}\n\n${then}`;
