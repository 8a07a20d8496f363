import type { Proposer } from '../../election/proposer.ts';
import { type Ballot, compareMaybeVersions, type Version } from '../../protocol/ballot.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import {
  type ActivePhase,
  activePhase,
  cancel,
  giveUp,
  isTerminal,
  type TaskState,
  wantOfMoney,
} from '../../protocol/state.ts';
import type { Parts } from './parts.ts';
import { Placing } from './placing.ts';
import { answerCancels, type Seat, standingCancels } from './seats.ts';
import type { Step } from './step.ts';
import { Supervision } from './supervision.ts';
import { Tenure } from './tenure.ts';

/**
 * The leader of one task, for one ballot. It writes one change at a time and acts on what is committed: `drive` looks
 * at the committed state and at what has been heard since, and takes the one next action, so that every event can
 * simply call it again.
 */
export class Leadership {
  readonly #proposer: Proposer;
  readonly #parts: Parts;
  readonly #tenure: Tenure;
  readonly #placing: Placing;
  readonly #supervision: Supervision;
  #carriedOut: Version | null = null;

  constructor(ballot: Ballot, seat: Seat, proposer: Proposer, parts: Parts) {
    this.#proposer = proposer;
    this.#parts = parts;
    this.#tenure = new Tenure(ballot, seat, proposer, parts);
    this.#placing = new Placing(this.#tenure);
    this.#supervision = new Supervision(this.#tenure, this.#placing);
  }

  get ballot(): Ballot {
    return this.#tenure.ballot;
  }

  /** The lease has been won. An attempt found under way is asked for at once, and keeps going if it answers. */
  begin(step: Step): void {
    const { active, teller } = this.#tenure;
    if (active !== null) this.#supervision.inherit(active, step);
    teller.note('leader', `${this.#tenure.name(this.#parts.config.self)} leads from now on`, step);
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
    if (isNews && !isTerminal(committed.value)) this.#tenure.summarise(null, step);
    this.drive(step);
  }

  /** Takes the next action, if there is one: called after everything that could have changed what it is. */
  drive(step: Step): void {
    if (!this.#proposer.isLeader(step.now) || this.#proposer.writing || this.#proposer.committed === null) return;
    const state = this.#proposer.committed.value;
    if (isTerminal(state)) return this.#tenure.retire(null, step);
    const active = activePhase(state);
    if (active !== null && this.#supervision.writesDown(state, active, step)) return;
    if (this.#cancels(state, step)) return;
    if (this.#mustMove(active, step)) return this.#move(step);
    if (active !== null) return this.#supervision.look(state, active, step);
    if (this.#givesUp(state, step)) return;
    this.#placing.place(null, step);
  }

  onTimer(step: Step): void {
    this.#tenure.alarm.hasRung();
    this.drive(step);
  }

  onHeartbeat(from: PeerId, message: MessageOf<'heartbeat'>, step: Step): void {
    this.#supervision.onHeartbeat(from, message, step);
    this.drive(step);
  }

  onPublishRequest(from: PeerId, message: MessageOf<'publish-request'>, step: Step): void {
    if (this.#supervision.onPublishRequest(from, message, step)) this.drive(step);
  }

  onOutcome(from: PeerId, message: MessageOf<'outcome'>, step: Step): void {
    if (this.#supervision.onOutcome(from, message, step)) this.drive(step);
  }

  onPeerGone(peer: PeerId, reason: string, step: Step): void {
    this.#supervision.onGone(peer, reason);
    this.drive(step);
  }

  handOver(step: Step): void {
    this.#tenure.handOver(step);
  }

  lose(step: Step): void {
    this.#tenure.lose(step);
  }

  /** What a committed state asks of this leader, once. */
  #carryOut(state: TaskState, step: Step): void {
    const active = activePhase(state);
    if (active?.name === 'assigned') this.#supervision.assigned(active, state, step);
    if (active === null) this.#supervision.settled(state, step);
    if (!isTerminal(state)) return;
    const isCancelled = state.phase.name === 'cancelled';
    const worker = state.attempts.at(-1)?.worker;
    if (worker !== undefined && isCancelled) this.#tenure.answerStale(worker, state.attemptsStarted, step);
    answerCancels(this.#tenure.seat, isCancelled ? 'cancelled' : 'ended', step);
  }

  /**
   * open | assigned → cancelled at a person's wish, or in favour of a task with the same key. True where there is
   * something to wait for.
   */
  #cancels(state: TaskState, step: Step): boolean {
    const { task, seat, teller } = this.#tenure;
    const { catalogue, config } = this.#parts;
    const winner = catalogue.winnerOver(task, step, config.timing);
    const isPublishing = state.phase.name === 'publishing';
    if (isPublishing) answerCancels(seat, 'publishing', step);
    const [first] = standingCancels(seat, step.monoMs, config.timing);
    if (isPublishing || (winner === null && first === undefined)) return false;
    const reason = winner === null ? (first?.reason ?? '') : `the same as task ${winner.slice(0, 8)}`;
    teller.note('cancelled', reason, step);
    const costUsd = this.#supervision.toldCostUsd();
    this.#tenure.write((last) => cancel(last, reason, winner, step.wallMs, costUsd), step);
    return true;
  }

  /** A lost worker's grant is waited out first: whoever leads next would have to begin that wait anew. */
  #mustMove(active: ActivePhase | null, step: Step): boolean {
    if (active?.name === 'publishing' && this.#supervision.isLost(step.monoMs)) return false;
    const { task, generation } = this.#tenure;
    return this.#parts.healing.isDue(task, generation, step.monoMs);
  }

  /** → sealed when the electorate is off its aim. */
  #move(step: Step): void {
    const { seat, generation } = this.#tenure;
    this.#tenure.seal(this.#parts.healing.successor(seat.task, generation), step);
  }

  /** open → failed, before an attempt that nothing is left for. True where that is so. */
  #givesUp(state: TaskState, step: Step): boolean {
    const { seat, teller } = this.#tenure;
    const reason = wantOfMoney(state, seat.task.body);
    if (reason === null) return false;
    teller.note('failed', reason, step);
    this.#tenure.write((last) => giveUp(last, reason), step);
    return true;
  }
}
