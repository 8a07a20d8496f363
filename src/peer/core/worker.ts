import type { AgentReport, StopReason } from '../../protocol/agent.ts';
import { type PeerId, type RunId, runIdOf, type TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import type { Outcome } from '../../protocol/state.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig, InputOf } from './io.ts';
import type { Lack, Means } from './means.ts';
import { Reporter } from './reporter.ts';
import { costOf, type Due, type Ending, endingOf, hasEnded, type Run, standingOf, startedRun } from './run.ts';
import type { Copying } from './saving.ts';
import type { Step } from './step.ts';

/**
 * The attempts that run on this peer. A run keeps working while no leader answers, and ends when a leader or the
 * register says that its attempt is no longer current.
 *
 *   assigned → working → (publish request → grant → publishing)* → ended → told, until the leader acknowledges it
 */
export class Worker {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #means: Means;
  readonly #reporter: Reporter;
  readonly #runs = new Map<RunId, Run>();
  /** The highest attempt ever taken on here, by task: an assignment that comes late or twice is not one. */
  readonly #taken = new Map<TaskId, number>();
  #done = 0;
  #ended = 0;

  constructor(config: CoreConfig, catalogue: Catalogue, means: Means) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#means = means;
    this.#reporter = new Reporter(config, catalogue);
  }

  /** I7: runs whose end has not been told, however it is about to. */
  get running(): number {
    return [...this.#runs.values()].filter((run) => run.ending === null).length;
  }

  get held(): number {
    return this.#runs.size + this.#taken.size;
  }

  /** Nothing runs, and nothing is left to tell. */
  get isIdle(): boolean {
    return this.#runs.size === 0;
  }

  get past(): { readonly done: number; readonly ended: number } {
    return { done: this.#done, ended: this.#ended };
  }

  taskOf(run: RunId): Task | null {
    return this.#runs.get(run)?.task ?? null;
  }

  onAssign(from: PeerId, message: MessageOf<'assign'>, mayStart: boolean, step: Step): void {
    const { task: id, attempt, publication, checkpoint, spentUsd: earlierCostUsd } = message;
    const known = this.#runs.get(runIdOf(id, attempt));
    if (known !== undefined) return this.#reporter.follow(known, from, step);
    if ((this.#taken.get(id) ?? 0) >= attempt) return;
    const entry = this.#catalogue.get(id);
    if (entry === undefined || !mayStart || this.running >= this.#config.capacity) {
      const reason = entry === undefined ? 'the task is not known here' : 'the slot has gone';
      return step.send(from, {
        type: 'outcome',
        task: id,
        attempt,
        outcome: { type: 'refused', reason },
        costUsd: null,
        checkpoint: null,
      });
    }
    this.#taken.set(id, attempt);
    const { task } = entry;
    const run = startedRun(task, attempt, from, step);
    this.#runs.set(run.id, run);
    const holders = this.#catalogue.electorate(id);
    const spendableUsd = this.#means.allot(run.id, task, earlierCostUsd, step);
    step.startAgent({ run: run.id, task, attempt, publication, checkpoint, holders, spendableUsd, earlierCostUsd });
    step.emit({ type: 'attempt-started', task: id, attempt });
    this.#reporter.beat(run, step);
  }

  /** A new leader asks. It becomes the one to report to, if the attempt is known here; else it is told so. */
  onReport(from: PeerId, message: MessageOf<'report'>, step: Step): void {
    const { task, attempt } = message;
    const run = this.#runs.get(runIdOf(task, attempt));
    if (run !== undefined) return this.#reporter.follow(run, from, step);
    const outcome: Outcome = { type: 'lapsed', reason: 'its worker no longer runs it' };
    step.send(from, { type: 'outcome', task, attempt, outcome, costUsd: null, checkpoint: null });
  }

  onAck(from: PeerId, message: MessageOf<'heartbeat-ack'>, step: Step): void {
    const run = this.#runs.get(runIdOf(message.task, message.attempt));
    if (run === undefined) return;
    switch (message.standing) {
      case 'current':
        run.ackedAt = step.monoMs;
        run.leader = from;
        return;
      case 'stale':
        return this.#supersede(run, 'superseded', step);
      case 'unknown':
        return;
    }
  }

  onGrant(message: MessageOf<'publish-grant'>, step: Step): void {
    const run = this.#runs.get(runIdOf(message.task, message.attempt));
    const grant = run === undefined ? null : this.#reporter.answered(run, message, step);
    if (run !== undefined && grant !== null) step.publish(run.id, grant.step, grant.validMs);
  }

  onOutcomeAck(message: MessageOf<'outcome-ack'>, step: Step): void {
    const run = this.#runs.get(runIdOf(message.task, message.attempt));
    if (run !== undefined && run.ending !== null) this.#close(run, step);
  }

  onAgent(id: RunId, report: AgentReport, step: Step): void {
    const run = this.#runs.get(id);
    if (run === undefined || hasEnded(run)) return;
    switch (report.type) {
      case 'progress':
        run.progress = {
          text: report.text.slice(0, Limits.line),
          costUsd: report.costUsd ?? costOf(run),
          at: step.wallMs,
        };
        this.#catalogue.progress(run.task.id, run.attempt, run.progress, step);
        return;
      case 'checkpoint':
        return this.#copy(run, run.saving.offer(report.checkpoint, this.#catalogue.electorate(run.task.id)), step);
      case 'ready': {
        if (run.stopping !== null) return;
        run.isReady = true;
        const { commit, expectedTip } = report;
        return this.#whenSaved(run, { type: 'ask', step: report.step, fields: { commit, expectedTip } }, step);
      }
      case 'stopped':
        return this.#onStopped(run, report.costUsd ?? costOf(run), step);
      case 'published':
        return this.#end(run, endingOf(report, costOf(run)), step);
      case 'failed':
      case 'refused':
      case 'quota':
        return this.#whenSaved(run, { type: 'end', ending: endingOf(report, costOf(run)) }, step);
    }
  }

  /** Heartbeats, and whatever was asked or told without an answer, once more. */
  onTimer(id: RunId, step: Step): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    if (run.due !== null && step.monoMs - run.due.since >= this.#config.timing.replicateMs) this.#tell(run, step);
    this.#reporter.beat(run, step);
  }

  /**
   * A checkpoint that a majority of the electors has is told to the leader at once, with whatever has waited for that.
   */
  onReplicated({ run: id, blob, holders, isLast }: InputOf<'replicated'>, step: Step): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    const { saved } = run.saving;
    this.#copy(run, run.saving.onCopies(blob, holders, isLast, this.#catalogue.electorate(run.task.id)), step);
    if (run.due !== null && !run.saving.isBusy) return this.#tell(run, step);
    if (run.saving.saved !== saved) this.#reporter.say(run, step);
  }

  /** The mesh has news of a task: a run whose attempt is over stops. */
  onKnowledge(task: TaskId, step: Step): void {
    const entry = this.#catalogue.get(task);
    if (entry === undefined) return;
    const { state } = entry;
    for (const run of this.#runs.values()) {
      if (run.task.id !== task) continue;
      const { isOver, isRecorded } = standingOf(run, state, this.#config.self);
      if (run.ending !== null && isRecorded) this.#close(run, step);
      else if (isOver) this.#supersede(run, state.phase.name === 'cancelled' ? 'cancelled' : 'superseded', step);
    }
  }

  /** After a sleep: grants asked for before it are void, and the leader is asked again before anything is published. */
  onWoke(step: Step): void {
    for (const run of this.#runs.values()) {
      if (run.wish !== null) this.#reporter.ask(run, run.wish, step);
      else this.#reporter.say(run, step);
    }
  }

  /** The task has been pruned here: no assignment of it is taken on any more, and what still runs of it stops. */
  forget(task: TaskId, step: Step): void {
    this.#taken.delete(task);
    for (const run of this.#runs.values()) if (run.task.id === task) this.#supersede(run, 'superseded', step);
  }

  drain(step: Step): void {
    const outcome: Outcome = { type: 'drained', reason: 'its peer is stopping' };
    for (const run of this.#runs.values()) this.#handOver(run, 'draining', outcome, step);
  }

  /**
   * Nothing may be spent here for now: what runs is saved and goes on elsewhere, but for what is only to be published.
   */
  handOver({ until, reason }: Lack, step: Step): void {
    for (const run of this.#runs.values())
      if (!run.isReady) this.#handOver(run, 'quota', { type: 'quota', until, reason }, step);
  }

  #copy(run: Run, copying: Copying | null, step: Step): void {
    if (copying !== null) step.replicate(run.id, copying.checkpoint.blob, copying.electorate);
  }

  #whenSaved(run: Run, due: Due, step: Step): void {
    run.due = { ...due, since: step.monoMs };
    if (!run.saving.isBusy) this.#tell(run, step);
  }

  /** due → asked or ended. */
  #tell(run: Run, step: Step): void {
    const { due } = run;
    run.due = null;
    if (due?.type === 'ask') this.#reporter.ask(run, due, step);
    if (due?.type === 'end') this.#end(run, due.ending, step);
  }

  #end(run: Run, ending: Ending, step: Step): void {
    run.wish = null;
    this.#ended += 1;
    if (ending.outcome.type === 'done') this.#done += 1;
    run.ending = ending;
    step.emit({ type: 'attempt-ended', task: run.task.id, attempt: run.attempt, how: ending.outcome.type });
    this.#reporter.tellEnd(run, ending, step);
  }

  #handOver(run: Run, reason: StopReason, outcome: Outcome, step: Step): void {
    if (hasEnded(run) || run.stopping !== null) return;
    run.handedOver = outcome;
    this.#stop(run, reason, step);
  }

  /** What is handed over goes on elsewhere; what was stopped because it no longer counts has nothing to tell. */
  #onStopped(run: Run, costUsd: number | null, step: Step): void {
    const outcome = run.handedOver;
    if (outcome !== null) return this.#whenSaved(run, { type: 'end', ending: { outcome, costUsd } }, step);
    step.emit({ type: 'attempt-ended', task: run.task.id, attempt: run.attempt, how: run.stopping ?? 'stopped' });
    this.#close(run, step);
  }

  #supersede(run: Run, reason: StopReason, step: Step): void {
    if (hasEnded(run)) return this.#close(run, step);
    // It no longer counts, so there is nobody to hand it over to.
    run.handedOver = null;
    if (run.stopping === null) this.#stop(run, reason, step);
  }

  #stop(run: Run, reason: StopReason, step: Step): void {
    run.stopping = reason;
    run.wish = null;
    run.due = null;
    step.stopAgent(run.id, reason);
  }

  #close(run: Run, step: Step): void {
    this.#runs.delete(run.id);
    step.emit({ type: 'task', task: run.task.id });
  }
}
