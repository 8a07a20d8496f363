import { type MonoMs, monoMs, type PeerId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import {
  type ActivePhase,
  type Checkpoint,
  endAttempt,
  isNewer,
  isTerminal,
  type Outcome,
  saveCheckpoint,
  startPublishing,
  type TaskState,
  wantOfMoney,
} from '../../protocol/state.ts';
import type { Placing } from './placing.ts';
import { passOver } from './seats.ts';
import type { Step } from './step.ts';
import type { Change, Tenure } from './tenure.ts';
import { lapseOf, msUntilLapse, type Watch } from './watch.ts';

type Wish = MessageOf<'publish-request'>;

/**
 * The attempt under way, as its leader sees it: when its worker was last heard of, what it has told and what it asks
 * for. Soft: a successor asks the worker afresh.
 */
export class Supervision {
  readonly #tenure: Tenure;
  readonly #placing: Placing;
  #watch: Watch | null = null;
  /** A publishing attempt lapses only after this, whoever leads. */
  #grantUntil: MonoMs | null = null;
  #wish: Wish | null = null;
  #outcome: MessageOf<'outcome'> | null = null;
  /** Saved by the worker, not yet written. */
  #checkpoint: Checkpoint | null = null;

  constructor(tenure: Tenure, placing: Placing) {
    this.#tenure = tenure;
    this.#placing = placing;
  }

  /** Found under way by a new leader: its worker is asked at once, and keeps its attempt if it answers. */
  inherit(active: ActivePhase, step: Step): void {
    const { timing } = this.#tenure.parts.config;
    const { task, ballot } = this.#tenure;
    const { attempt } = active;
    const awaited = 'answer to its new leader';
    this.#watch = { attempt, lastHeard: step.monoMs, awaited, patienceMs: timing.reportMs, gone: null };
    if (active.name === 'publishing') this.#grantUntil = monoMs(step.monoMs + timing.grantMs);
    step.send(active.worker, { type: 'report', task, attempt, ballot });
  }

  /** The assignment is committed: its worker is told, once. */
  assigned({ attempt, worker }: ActivePhase, state: TaskState, step: Step): void {
    if (this.#watch?.attempt === attempt) return;
    const { assignMs } = this.#tenure.parts.config.timing;
    const awaited = 'word after its assignment';
    this.#watch = { attempt, lastHeard: step.monoMs, awaited, patienceMs: assignMs, gone: null };
    this.#placing.close();
    this.#wish = null;
    step.send(worker, {
      type: 'assign',
      task: this.#tenure.task,
      attempt,
      ballot: this.#tenure.ballot,
      publication: state.publication,
      checkpoint: state.checkpoint,
      spentUsd: state.spentUsd,
    });
  }

  /** The end of an attempt is durable: its worker may forget it. One that refused is passed over for the next bid. */
  settled({ attempts }: TaskState, step: Step): void {
    if (this.#outcome === null) return;
    const { attempt, outcome } = this.#outcome;
    const worker = attempts.find(({ number }) => number === attempt)?.worker;
    this.#outcome = null;
    this.#watch = null;
    if (worker !== undefined) step.send(worker, { type: 'outcome-ack', task: this.#tenure.task, attempt });
    if (outcome.type === 'refused' && worker !== undefined) passOver(this.#tenure.seat, attempt, worker);
  }

  // ── what the worker says ───────────────────────────────────────────────────────────────────────────────────────────

  onHeartbeat(from: PeerId, message: MessageOf<'heartbeat'>, step: Step): void {
    const { attempt } = message;
    const { task, teller } = this.#tenure;
    const current = this.#tenure.isCurrent(from, attempt);
    if (current) this.#heard(attempt, step);
    if (current) this.#note(message.checkpoint);
    step.send(from, { type: 'heartbeat-ack', task, attempt, standing: current ? 'current' : 'stale' });
    if (current && message.progress !== null) teller.progress(attempt, message.progress, step);
  }

  /** True where there is something to decide: the attempt is the current one. */
  onPublishRequest(from: PeerId, message: Wish, step: Step): boolean {
    const current = this.#tenure.isCurrent(from, message.attempt);
    if (current) {
      this.#heard(message.attempt, step);
      this.#note(message.checkpoint);
      this.#wish = message;
    } else {
      this.#tenure.answerStale(from, message.attempt, step);
    }
    return current;
  }

  /** True where there is something to decide: the attempt is the current one. */
  onOutcome(from: PeerId, message: MessageOf<'outcome'>, step: Step): boolean {
    const { attempt, outcome } = message;
    const current = this.#tenure.isCurrent(from, attempt);
    if (outcome.type === 'lapsed') {
      // A worker that does not know the attempt: whether it lapses at once is for the grant to say, not for the worker.
      if (current) this.onGone(from, outcome.reason);
    } else if (current) {
      this.#outcome = message;
      this.#note(message.checkpoint);
    } else if (!this.#tenure.isWriting) {
      step.send(from, { type: 'outcome-ack', task: this.#tenure.task, attempt });
    }
    return current;
  }

  /** The worker's connection is closed and a redial was refused, or it came back as a new process. */
  onGone(peer: PeerId, reason: string): void {
    if (this.#tenure.active?.worker === peer && this.#watch !== null) this.#watch = { ...this.#watch, gone: reason };
  }

  // ── what is to be done about it ────────────────────────────────────────────────────────────────────────────────────

  isLost(now: MonoMs): boolean {
    return this.#watch !== null && lapseOf(this.#watch, now) !== null;
  }

  /** Of the attempt under way, by its worker's last word that came here, directly or by gossip. */
  toldCostUsd(): number | null {
    return this.#tenure.parts.catalogue.get(this.#tenure.task)?.progress?.costUsd ?? null;
  }

  /** What the worker has told is written down first: a checkpoint, then an end. True where there was something. */
  writesDown(state: TaskState, active: ActivePhase, step: Step): boolean {
    if (this.#saves(state, active, step)) return true;
    if (this.#outcome?.attempt !== active.attempt) return false;
    this.#end(this.#outcome, step);
    return true;
  }

  /** Answers what the worker asks for, waits for it, or takes the attempt for lapsed. */
  look(state: TaskState, active: ActivePhase, step: Step): void {
    if (this.#wish?.attempt === active.attempt) return this.#consider(this.#wish, state, active, step);
    const lapse = this.#watch && lapseOf(this.#watch, step.monoMs);
    if (lapse === null) {
      this.#placing.close();
      return this.#wakeAtLapse(step);
    }
    if (active.name === 'publishing' && this.#grantUntil !== null && step.monoMs < this.#grantUntil) {
      return this.#tenure.alarm.setAfter(this.#grantUntil - step.monoMs, step);
    }
    this.#lapse(lapse, state, active, step);
  }

  /** assigned | publishing → the next attempt, open, or failed, in one write when the worker is taken for lost. */
  #lapse(reason: string, state: TaskState, { attempt, worker }: ActivePhase, step: Step): void {
    const { teller, seat } = this.#tenure;
    const outcome: Outcome = { type: 'lapsed', reason };
    if (!this.#placing.isOpen)
      teller.note('lapsed', `attempt ${attempt} of ${this.#tenure.name(worker)}: ${reason}`, step);
    const costUsd = this.toldCostUsd();
    const end: Change = (last) => endAttempt(last, outcome, step.wallMs, costUsd);
    const ended = end(state);
    if (isTerminal(ended) || wantOfMoney(ended, seat.task.body) !== null) return this.#tenure.write(end, step);
    this.#placing.place(end, step);
  }

  /** assigned → assigned, publishing → publishing with a new checkpoint, before whatever else its worker asks for. */
  #saves(state: TaskState, { attempt }: ActivePhase, step: Step): boolean {
    const checkpoint = this.#checkpoint;
    this.#checkpoint = null;
    if (checkpoint === null || checkpoint.attempt !== attempt || !isNewer(checkpoint, state.checkpoint)) return false;
    this.#tenure.teller.note('checkpoint', `attempt ${attempt} has saved ${checkpoint.commit.slice(0, 10)}`, step);
    this.#tenure.write((last) => saveCheckpoint(last, checkpoint), step);
    return true;
  }

  /** assigned | publishing → publishing when the worker asks for it; grants what is committed. */
  #consider(wish: Wish, state: TaskState, active: ActivePhase, step: Step): void {
    const { commit, expectedTip, request, attempt } = wish;
    const { publication } = state;
    const isCommitted =
      active.name === 'publishing' && publication?.commit === commit && publication.expectedTip === expectedTip;
    if (!isCommitted) {
      const what = wish.step === 'push' ? `publishes ${commit.slice(0, 10)}` : 'opens the pull request';
      this.#tenure.teller.note('publishing', `attempt ${attempt} ${what}`, step);
      return this.#tenure.write((last) => startPublishing(last, { commit, expectedTip }), step);
    }
    const { task, parts } = this.#tenure;
    const { grantMs } = parts.config.timing;
    this.#wish = null;
    this.#grantUntil = monoMs(step.monoMs + grantMs);
    step.send(active.worker, { type: 'publish-grant', task, attempt, request, validMs: grantMs });
    this.#wakeAtLapse(step);
  }

  /** assigned | publishing → open, done or failed as the worker has told. */
  #end({ outcome, costUsd, attempt }: MessageOf<'outcome'>, step: Step): void {
    const saved = this.#tenure.state.attempts.find(({ number }) => number === attempt)?.checkpoints ?? [];
    const isUnbegun = outcome.type === 'refused' && costUsd === null && saved.length === 0;
    const word = isUnbegun ? 'was not begun' : outcome.type;
    const how = 'reason' in outcome ? `${word}: ${outcome.reason}` : word;
    this.#tenure.teller.note('ended', `attempt ${attempt} ${how}`, step);
    this.#tenure.write((state) => endAttempt(state, outcome, step.wallMs, costUsd), step);
  }

  #heard(attempt: number, step: Step): void {
    const { heartbeatLapseMs } = this.#tenure.parts.config.timing;
    this.#watch = { attempt, lastHeard: step.monoMs, awaited: 'heartbeat', patienceMs: heartbeatLapseMs, gone: null };
  }

  #note(checkpoint: Checkpoint | null): void {
    if (checkpoint !== null && isNewer(checkpoint, this.#checkpoint)) this.#checkpoint = checkpoint;
  }

  #wakeAtLapse(step: Step): void {
    if (this.#watch !== null) this.#tenure.alarm.setAfter(msUntilLapse(this.#watch, step.monoMs), step);
  }
}
