import type { Proposer } from '../../election/proposer.ts';
import { type Ballot, compareMaybeVersions, type Version } from '../../protocol/ballot.ts';
import { generationOf } from '../../protocol/generation.ts';
import { type MonoMs, monoMs, type PeerId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import {
  type ActivePhase,
  activePhase,
  assign,
  type Checkpoint,
  cancel,
  endAttempt,
  giveUp,
  isNewer,
  isTerminal,
  type Outcome,
  saveCheckpoint,
  seal,
  startPublishing,
  type TaskState,
  wantOfMoney,
} from '../../protocol/state.ts';
import { Alarm } from './alarm.ts';
import type { Parts } from './parts.ts';
import { Placing } from './placing.ts';
import { answerCancels, passOver, type Seat, standingCancels } from './seats.ts';
import type { Step } from './step.ts';
import { Teller } from './teller.ts';
import { lapseOf, msUntilLapse, type Watch } from './watch.ts';

type Wish = MessageOf<'publish-request'>;
type Change = (last: TaskState) => TaskState;

/**
 * The leader of one task, for one ballot. It writes one change at a time and acts on what is committed: `drive` looks
 * at the committed state and at what has been heard since, and takes the one next action, so that every event can
 * simply call it again.
 */
export class Leadership {
  readonly ballot: Ballot;
  readonly #seat: Seat;
  readonly #proposer: Proposer;
  readonly #parts: Parts;
  readonly #teller: Teller;
  readonly #placing: Placing;
  readonly #alarm: Alarm;
  #watch: Watch | null = null;
  /** A publishing attempt lapses only after this, whoever leads. */
  #grantUntil: MonoMs | null = null;
  #wish: Wish | null = null;
  #outcome: MessageOf<'outcome'> | null = null;
  /** Saved by the worker, not yet written. */
  #checkpoint: Checkpoint | null = null;
  #carriedOut: Version | null = null;
  #hasEnded = false;

  constructor(ballot: Ballot, seat: Seat, proposer: Proposer, parts: Parts) {
    this.ballot = ballot;
    this.#seat = seat;
    this.#proposer = proposer;
    this.#parts = parts;
    this.#teller = new Teller(seat.task, parts);
    this.#placing = new Placing(ballot, seat, parts);
    this.#alarm = new Alarm({ type: 'leader', task: seat.task.id, ballot });
  }

  /** The lease has been won. An attempt found under way is asked for at once, and keeps going if it answers. */
  begin(step: Step): void {
    const active = this.#active();
    if (active !== null) {
      const { timing } = this.#parts.config;
      this.#watch = { attempt: active.attempt, lastHeard: step.monoMs, patienceMs: timing.reportMs, gone: null };
      if (active.name === 'publishing') this.#grantUntil = monoMs(step.monoMs + timing.grantMs);
      step.send(active.worker, { type: 'report', task: this.#id, attempt: active.attempt, ballot: this.ballot });
    }
    this.#teller.note('leader', `${this.#name(this.#parts.config.self)} leads from now on`, step);
    this.committed(step);
  }

  /** A majority has acknowledged the last version sent: what it says is now so, and everybody may know. */
  committed(step: Step): void {
    const { committed } = this.#proposer;
    if (committed === null || compareMaybeVersions(committed.valueVersion, this.#carriedOut) === 0) return;
    this.#carriedOut = committed.valueVersion;
    this.#carryOut(committed.value, step);
    const { generation, attemptsStarted } = committed.value;
    const isNews = attemptsStarted > 0 || generation !== null;
    if (isNews && !isTerminal(committed.value)) this.#summarise(null, step);
    this.drive(step);
  }

  /** Takes the next action, if there is one: called after everything that could have changed what it is. */
  drive(step: Step): void {
    if (!this.#proposer.isLeader(step.now) || this.#proposer.writing || this.#proposer.committed === null) return;
    const state = this.#proposer.committed.value;
    if (isTerminal(state)) return this.#retire(null, step);
    const active = activePhase(state);
    if (active !== null && this.#saves(state, active, step)) return;
    if (active !== null && this.#outcome?.attempt === active.attempt) return this.#end(this.#outcome, step);
    if (this.#cancels(state, step)) return;
    if (this.#mustMove(active, step)) return this.#move(step);
    if (active === null && this.#givesUp(state, step)) return;
    if (active === null) return this.#place(null, step);
    this.#supervise(state, active, step);
  }

  onTimer(step: Step): void {
    this.#alarm.hasRung();
    this.drive(step);
  }

  onHeartbeat(from: PeerId, message: MessageOf<'heartbeat'>, step: Step): void {
    const { attempt } = message;
    const current = this.#isCurrent(from, attempt);
    if (current) this.#heard(attempt, step);
    if (current) this.#note(message.checkpoint);
    step.send(from, { type: 'heartbeat-ack', task: this.#id, attempt, standing: current ? 'current' : 'stale' });
    if (current && message.progress !== null) this.#teller.progress(attempt, message.progress, step);
    this.drive(step);
  }

  onPublishRequest(from: PeerId, message: Wish, step: Step): void {
    if (this.#isCurrent(from, message.attempt)) {
      this.#heard(message.attempt, step);
      this.#note(message.checkpoint);
      this.#wish = message;
      this.drive(step);
    } else {
      this.#answerStale(from, message.attempt, step);
    }
  }

  onOutcome(from: PeerId, message: MessageOf<'outcome'>, step: Step): void {
    const { attempt } = message;
    // A worker that does not know the attempt: whether it lapses at once is for the grant to say, not for the worker.
    if (message.outcome.type === 'lapsed') {
      return this.#isCurrent(from, attempt) ? this.onPeerGone(from, message.outcome.reason, step) : undefined;
    }
    if (this.#isCurrent(from, attempt)) {
      this.#outcome = message;
      this.#note(message.checkpoint);
      this.drive(step);
    } else if (!this.#proposer.writing) {
      step.send(from, { type: 'outcome-ack', task: this.#id, attempt });
    }
  }

  /** The worker's connection is closed and a redial was refused, or it came back as a new process. */
  onPeerGone(peer: PeerId, reason: string, step: Step): void {
    const active = this.#active();
    if (active?.worker === peer && this.#watch !== null) this.#watch = { ...this.#watch, gone: reason };
    this.drive(step);
  }

  /** Gives the lease up while the task goes on or waits: where there is reason to, another elector takes it at once. */
  handOver(step: Step): void {
    for (const { to, message } of this.#proposer.release()) step.send(to, message);
    this.#ended('released', step);
  }

  /** The lease has gone without this peer's doing. What was sealed or released before is no loss. */
  lose(step: Step): void {
    if (!this.#hasEnded) this.#ended('lost', step);
  }

  // ── moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A lost worker's grant is waited out first: whoever leads next would have to begin that wait anew. */
  #mustMove(active: ActivePhase | null, step: Step): boolean {
    const isLost = this.#watch !== null && lapseOf(this.#watch, step.monoMs) !== null;
    if (active?.name === 'publishing' && isLost) return false;
    return this.#parts.healing.isDue(this.#id, this.#generation, step.monoMs);
  }

  /** M1: → sealed. This peer leads no more from here on; what comes of the seal is not this leadership's business. */
  #move(step: Step): void {
    const next = this.#parts.healing.successor(this.#seat.task, this.#generation);
    const messages = this.#proposer.seal((state) => seal(state, next), step.now);
    this.#ended('sealed', step);
    for (const { to, message } of messages) step.send(to, message);
    step.setTimer({ type: 'round', task: this.#id, ballot: this.ballot }, this.#parts.config.timing.roundMs);
  }

  // ── placing ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** open → assigned, or a lapsed attempt → the next one, in one write. Until then the old worker may return. */
  #place(end: Change | null, step: Step): void {
    const attempt = this.#state().attemptsStarted + 1;
    const verdict = this.#placing.judge(this.#state(), step);
    this.#teller.answers = this.#placing.answers;
    switch (verdict.type) {
      case 'wait':
        return this.#alarm.setAfter(verdict.forMs, step);
      case 'stall':
        if (end !== null) return this.#write(end, step);
        this.#teller.note('stalled', verdict.reason, step);
        return this.#retire(verdict.reason, step);
      case 'choose': {
        this.#teller.note(
          'assigned',
          `attempt ${attempt} to ${this.#name(verdict.worker)}; ${this.#teller.describeAnswers()}`,
          step,
        );
        return this.#write((last) => assign(end?.(last) ?? last, verdict.worker, step.wallMs), step);
      }
    }
  }

  /** open → failed, before an attempt that nothing is left for. True where that is so. */
  #givesUp(state: TaskState, step: Step): boolean {
    const reason = wantOfMoney(state, this.#seat.task.body);
    if (reason === null) return false;
    this.#teller.note('failed', reason, step);
    this.#write((last) => giveUp(last, reason), step);
    return true;
  }

  // ── supervising ────────────────────────────────────────────────────────────────────────────────────────────────────

  #supervise(state: TaskState, active: ActivePhase, step: Step): void {
    if (this.#wish?.attempt === active.attempt) return this.#consider(this.#wish, state, active, step);
    const lapse = this.#watch && lapseOf(this.#watch, step.monoMs);
    if (lapse === null) {
      this.#placing.close();
      return this.#wakeAtLapse(step);
    }
    if (active.name === 'publishing' && this.#grantUntil !== null && step.monoMs < this.#grantUntil) {
      return this.#alarm.setAfter(this.#grantUntil - step.monoMs, step);
    }
    const outcome: Outcome = { type: 'lapsed', reason: lapse };
    if (!this.#placing.isOpen)
      this.#teller.note('lapsed', `attempt ${active.attempt} of ${this.#name(active.worker)}: ${lapse}`, step);
    const costUsd = this.#toldCost();
    const end: Change = (last) => endAttempt(last, outcome, step.wallMs, costUsd);
    const ended = end(state);
    if (isTerminal(ended) || wantOfMoney(ended, this.#seat.task.body) !== null) return this.#write(end, step);
    this.#place(end, step);
  }

  #note(checkpoint: Checkpoint | null): void {
    if (checkpoint !== null && isNewer(checkpoint, this.#checkpoint)) this.#checkpoint = checkpoint;
  }

  /** A new checkpoint is written before whatever else its worker asks for. */
  #saves(state: TaskState, { attempt }: ActivePhase, step: Step): boolean {
    const checkpoint = this.#checkpoint;
    this.#checkpoint = null;
    if (checkpoint === null || checkpoint.attempt !== attempt || !isNewer(checkpoint, state.checkpoint)) return false;
    this.#teller.note('checkpoint', `attempt ${attempt} has saved ${checkpoint.commit.slice(0, 10)}`, step);
    this.#write((last) => saveCheckpoint(last, checkpoint), step);
    return true;
  }

  /** Grants what is committed; what is not is committed first. */
  #consider(wish: Wish, state: TaskState, active: ActivePhase, step: Step): void {
    const { commit, expectedTip, request, attempt } = wish;
    const { publication } = state;
    const isCommitted =
      active.name === 'publishing' && publication?.commit === commit && publication.expectedTip === expectedTip;
    if (!isCommitted) {
      const what = wish.step === 'push' ? `publishes ${commit.slice(0, 10)}` : 'opens the pull request';
      this.#teller.note('publishing', `attempt ${attempt} ${what}`, step);
      return this.#write((last) => startPublishing(last, { commit, expectedTip }), step);
    }
    const { grantMs } = this.#parts.config.timing;
    this.#wish = null;
    this.#grantUntil = monoMs(step.monoMs + grantMs);
    step.send(active.worker, { type: 'publish-grant', task: this.#id, attempt, request, validMs: grantMs });
    this.#wakeAtLapse(step);
  }

  /** assigned | publishing → open, done or failed as the worker has told. */
  #end(message: MessageOf<'outcome'>, step: Step): void {
    const { outcome, costUsd, attempt } = message;
    const how = 'reason' in outcome ? `${outcome.type}: ${outcome.reason}` : outcome.type;
    this.#teller.note('ended', `attempt ${attempt} ${how}`, step);
    this.#write((state) => endAttempt(state, outcome, step.wallMs, costUsd), step);
  }

  /** A person's cancel, or a task with the same key that precedes this one. True: there is something to wait for. */
  #cancels(state: TaskState, step: Step): boolean {
    const winner = this.#parts.catalogue.winnerOver(this.#id);
    const isPublishing = state.phase.name === 'publishing';
    if (isPublishing) answerCancels(this.#seat, 'publishing', step);
    const [first] = standingCancels(this.#seat, step.monoMs, this.#parts.config.timing);
    if (isPublishing || (winner === null && first === undefined)) return false;
    const reason = winner === null ? (first?.reason ?? '') : `the same as task ${winner.slice(0, 8)}`;
    this.#teller.note('cancelled', reason, step);
    const costUsd = this.#toldCost();
    this.#write((last) => cancel(last, reason, winner, step.wallMs, costUsd), step);
    return true;
  }

  /** What a committed state asks of this leader, once. */
  #carryOut(state: TaskState, step: Step): void {
    const active = activePhase(state);
    if (active?.name === 'assigned' && this.#watch?.attempt !== active.attempt) {
      const { attempt, worker } = active;
      const { assignMs } = this.#parts.config.timing;
      this.#watch = { attempt, lastHeard: step.monoMs, patienceMs: assignMs, gone: null };
      this.#placing.close();
      this.#wish = null;
      step.send(worker, {
        type: 'assign',
        task: this.#id,
        attempt,
        ballot: this.ballot,
        publication: state.publication,
        checkpoint: state.checkpoint,
        spentUsd: state.spentUsd,
      });
    }
    if (active === null && this.#outcome !== null) this.#settle(this.#outcome, state, step);
    if (isTerminal(state)) {
      const worker = state.attempts.at(-1)?.worker;
      if (worker !== undefined && state.phase.name === 'cancelled')
        this.#answerStale(worker, state.attemptsStarted, step);
      answerCancels(this.#seat, state.phase.name === 'cancelled' ? 'cancelled' : 'ended', step);
    }
  }

  /** The end of an attempt is durable: its worker may forget it. One that refused is passed over for the next bid. */
  #settle(message: MessageOf<'outcome'>, state: TaskState, step: Step): void {
    const { attempt, outcome } = message;
    const worker = state.attempts.find(({ number }) => number === attempt)?.worker;
    this.#outcome = null;
    this.#watch = null;
    if (worker !== undefined) step.send(worker, { type: 'outcome-ack', task: this.#id, attempt });
    if (outcome.type === 'refused' && worker !== undefined) passOver(this.#seat, attempt, worker);
  }

  // ── ending ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing is left to lead: tells the electors how it stands, in the same frame as the release. */
  #retire(stalled: string | null, step: Step): void {
    this.#summarise(stalled, step);
    this.handOver(step);
  }

  #summarise(stalled: string | null, step: Step): void {
    const { committed } = this.#proposer;
    if (committed !== null) this.#teller.summarise(committed, stalled, step);
  }

  #ended(change: 'lost' | 'released' | 'sealed', step: Step): void {
    this.#hasEnded = true;
    step.emit({ type: 'lease', task: this.#id, change, ballot: this.ballot });
  }

  #answerStale(to: PeerId, attempt: number, step: Step): void {
    step.send(to, { type: 'heartbeat-ack', task: this.#id, attempt, standing: 'stale' });
  }

  // ── small parts ────────────────────────────────────────────────────────────────────────────────────────────────────

  get #id() {
    return this.#seat.task.id;
  }

  get #generation() {
    return generationOf(this.#seat.task, this.#state());
  }

  #name(peer: PeerId): string {
    return this.#parts.membership.nameOf(peer);
  }

  /** The last state sent: what it says cannot be undone by this leader, committed or not. */
  #state(): TaskState {
    return this.#proposer.latest;
  }

  #active(): ActivePhase | null {
    return activePhase(this.#state());
  }

  /** Any other attempt is over, or was of another life of the task: this leader's state has every one that ever was. */
  #isCurrent(worker: PeerId, attempt: number): boolean {
    const active = this.#active();
    return active?.worker === worker && active.attempt === attempt;
  }

  #heard(attempt: number, step: Step): void {
    const { heartbeatLapseMs } = this.#parts.config.timing;
    this.#watch = { attempt, lastHeard: step.monoMs, patienceMs: heartbeatLapseMs, gone: null };
  }

  /** Of the attempt under way, by its worker's last word that came here, directly or by gossip. */
  #toldCost(): number | null {
    return this.#parts.catalogue.get(this.#id)?.progress?.costUsd ?? null;
  }

  #write(change: Change, step: Step): void {
    for (const { to, message } of this.#proposer.write(change, step.now)) step.send(to, message);
  }

  #wakeAtLapse(step: Step): void {
    if (this.#watch !== null) this.#alarm.setAfter(msUntilLapse(this.#watch, step.monoMs), step);
  }
}
