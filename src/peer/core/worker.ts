import type { AgentReport, StopReason } from '../../protocol/agent.ts';
import { type Now, type PeerId, type RunId, runIdOf, type TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { Message, MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { activePhase, type Checkpoint, isNewer, isTerminal, type Outcome } from '../../protocol/state.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import type { CoreConfig, InputOf } from './io.ts';
import type { Lack, Means } from './means.ts';
import { costOf, type Due, type Ending, endingOf, hasEnded, type PublishRequest, type Run, startedRun } from './run.ts';
import type { Copying } from './saving.ts';
import type { Step } from './step.ts';

/** After this many heartbeats without an answer the worker looks for a new leader among the electors. */
const unansweredBeats = 2.5;

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
  readonly #runs = new Map<RunId, Run>();
  /** The highest attempt ever taken on here, by task: an assignment that comes late or twice is not one. */
  readonly #taken = new Map<TaskId, number>();
  #request = 0;
  #done = 0;
  #ended = 0;

  constructor(config: CoreConfig, catalogue: Catalogue, means: Means) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#means = means;
  }

  /** I7: runs whose end has not been told, however it is about to. */
  get running(): number {
    return [...this.#runs.values()].filter((run) => run.ending === null).length;
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
    if (known !== undefined) return this.#follow(known, from, step);
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
    this.#beat(run, step);
  }

  /** A new leader asks. It becomes the one to report to, if the attempt is known here; else it is told so. */
  onReport(from: PeerId, message: MessageOf<'report'>, step: Step): void {
    const { task, attempt } = message;
    const run = this.#runs.get(runIdOf(task, attempt));
    if (run !== undefined) return this.#follow(run, from, step);
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

  /** A grant counts from when its own request was sent, less the margin for drift; too late is no grant. */
  onGrant(message: MessageOf<'publish-grant'>, step: Step): void {
    const run = this.#runs.get(runIdOf(message.task, message.attempt));
    const wish = run?.wish ?? null;
    const sentAt = wish?.sentAt.get(message.request);
    if (run === undefined || wish === null || sentAt === undefined || run.stopping !== null) return;
    const validMs = message.validMs * this.#config.timing.grantUseShare - passedMs(sentAt, step.now);
    if (validMs <= 0) return;
    run.wish = null;
    run.ackedAt = step.monoMs;
    step.publish(run.id, wish.step, validMs);
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
    this.#beat(run, step);
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
    if (run.saving.saved !== saved) this.#say(run, step);
  }

  /** The mesh has news of a task: a run whose attempt is over stops. */
  onKnowledge(task: TaskId, step: Step): void {
    const entry = this.#catalogue.get(task);
    if (entry === undefined) return;
    for (const run of this.#runs.values()) {
      if (run.task.id !== task) continue;
      const active = activePhase(entry.state);
      const isOver =
        isTerminal(entry.state) ||
        entry.state.attemptsStarted > run.attempt ||
        isAnothers(entry, run, this.#config.self);
      const isRecorded = isOver || (entry.state.attemptsStarted === run.attempt && active === null);
      if (run.ending !== null && isRecorded) this.#close(run, step);
      else if (isOver) this.#supersede(run, entry.state.phase.name === 'cancelled' ? 'cancelled' : 'superseded', step);
    }
  }

  /** After a sleep: grants asked for before it are void, and the leader is asked again before anything is published. */
  onWoke(step: Step): void {
    for (const run of this.#runs.values()) {
      if (run.wish !== null) this.#ask(run, run.wish, step);
      else this.#say(run, step);
    }
  }

  /** The task has been pruned here, and no assignment of it is taken on any more. */
  forget(task: TaskId): void {
    this.#taken.delete(task);
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
    if (due?.type === 'ask') this.#ask(run, due, step);
    if (due?.type === 'end') this.#end(run, due.ending, step);
  }

  /** Whatever was asked before is void. */
  #ask(run: Run, { step: publishStep, fields }: Pick<PublishRequest, 'step' | 'fields'>, step: Step): void {
    run.wish = { step: publishStep, fields, sentAt: new Map() };
    this.#sendWish(run, run.wish, step);
  }

  #sendWish(run: Run, { step: publishStep, fields, sentAt }: PublishRequest, step: Step): void {
    this.#request += 1;
    const { grantMs } = this.#config.timing;
    for (const [request, at] of sentAt) if (passedMs(at, step.now) > grantMs) sentAt.delete(request);
    sentAt.set(this.#request, step.now);
    const about = { task: run.task.id, attempt: run.attempt, request: this.#request, checkpoint: this.#unwritten(run) };
    this.#toLeader(run, { type: 'publish-request', ...about, step: publishStep, ...fields }, step);
  }

  #end(run: Run, ending: Ending, step: Step): void {
    run.wish = null;
    this.#ended += 1;
    if (ending.outcome.type === 'done') this.#done += 1;
    run.ending = ending;
    step.emit({ type: 'attempt-ended', task: run.task.id, attempt: run.attempt, how: ending.outcome.type });
    this.#toLeader(run, this.#endingMessage(run, ending), step);
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

  #follow(run: Run, leader: PeerId, step: Step): void {
    run.leader = leader;
    run.ackedAt = step.monoMs;
    this.#say(run, step);
  }

  #beat(run: Run, step: Step): void {
    this.#say(run, step);
    step.setTimer({ type: 'work', run: run.id }, this.#config.timing.heartbeatEveryMs);
  }

  #say(run: Run, step: Step): void {
    const { attempt, progress } = run;
    if (run.ending !== null) return this.#toLeader(run, this.#endingMessage(run, run.ending), step);
    if (run.wish !== null) return this.#sendWish(run, run.wish, step);
    const checkpoint = this.#unwritten(run);
    this.#toLeader(run, { type: 'heartbeat', task: run.task.id, attempt, progress, checkpoint }, step);
  }

  #endingMessage(run: Run, { outcome, costUsd }: Ending): Message {
    const { task, attempt } = run;
    return { type: 'outcome', task: task.id, attempt, outcome, costUsd, checkpoint: this.#unwritten(run) };
  }

  /** Its newest checkpoint, until the register is known to have it. */
  #unwritten({ task, saving: { saved } }: Run): Checkpoint | null {
    const known = this.#catalogue.get(task.id)?.state.checkpoint ?? null;
    return saved !== null && isNewer(saved, known) ? saved : null;
  }

  /** The leader, or every elector where it has not answered for a while: whoever leads now will. */
  #toLeader(run: Run, message: Message, step: Step): void {
    const silentMs = step.monoMs - run.ackedAt;
    const isLost = silentMs > unansweredBeats * this.#config.timing.heartbeatEveryMs;
    step.sendAll(isLost ? withFirst(run.leader, this.#catalogue.electorate(run.task.id)) : [run.leader], message);
  }
}

/** P4: the monotonic clock stands still while the machine sleeps, and the wall clock does not. */
const passedMs = (from: Now, to: Now): number => Math.max(to.monoMs - from.monoMs, Math.abs(to.wallMs - from.wallMs));

/** After a fork the attempt of this number can be another peer's. */
const isAnothers = ({ state }: Entry, { attempt }: Run, self: PeerId): boolean =>
  state.attempts.some(({ number, worker }) => number === attempt && worker !== self);

const withFirst = (first: PeerId, others: readonly PeerId[]): readonly PeerId[] => [
  first,
  ...others.filter((peer) => peer !== first),
];
