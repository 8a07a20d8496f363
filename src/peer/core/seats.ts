import {
  type AcceptorState,
  liveLease,
  newAcceptor,
  onAccept,
  onPrepare,
  onRelease,
  restartAcceptor,
} from '../../election/acceptor.ts';
import type { Answer } from '../../protocol/bids.ts';
import type { MonoMs, Now, PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Stored } from '../store/store.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import type { Step } from './step.ts';

/** A wish that was not repeated for so many times is no longer one. */
const missedResends = 3;

/** A pause after a lost round is doubled so often at most. */
const maxDoublings = 3;

/** A peer's last answer to a task's calls, as an elector keeps it for whoever leads. Soft: lost with the peer. */
export interface KeptAnswer {
  readonly attempt: number;
  readonly answer: Answer;
  readonly at: MonoMs;
}

/** A person's wish, repeated for as long as it is one: what was refused, or given up, must not come true later. */
export interface CancelRequest {
  readonly from: PeerId;
  readonly request: string;
  readonly reason: string;
  readonly heardAt: MonoMs;
}

export interface Seat {
  readonly task: Task;
  readonly rank: number;
  /** When this peer heard of the task; null after a restart. The announcement is the call for the first round. */
  readonly announcedAt: MonoMs | null;
  acceptor: AcceptorState;
  readonly answers: Map<PeerId, KeptAnswer>;
  cancels: readonly CancelRequest[];
  /** Numbers this seat's turns: a timer with another number is stale. */
  turn: number;
  turnAt: MonoMs | null;
  /** Rounds lost in a row: each doubles the pause before the next, as an overloaded mesh needs it. */
  losses: number;
}

/** The cancels that are still wished for. */
export const standingCancels = (seat: Seat, now: MonoMs, timing: Timing): readonly CancelRequest[] =>
  seat.cancels.filter(({ heardAt }) => now - heardAt < missedResends * timing.resendMs);

/**
 * This peer's seats: for each task that names it an elector, the acceptor, and when it is this elector's turn to try for
 * the lease. What a turn leads to is the leaders' business.
 */
export class Seats {
  readonly #config: CoreConfig;
  readonly #timing: Timing;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  readonly #seats = new Map<TaskId, Seat>();

  constructor(
    config: CoreConfig,
    catalogue: Catalogue,
    membership: Membership,
    stored: Pick<Stored, 'registers'>,
    now: Now,
  ) {
    this.#config = config;
    this.#membership = membership;
    this.#timing = config.timing;
    this.#catalogue = catalogue;
    for (const { task, register } of stored.registers) {
      const entry = catalogue.get(task);
      if (entry === undefined) continue;
      this.#open(entry.task, restartAcceptor(register, now.monoMs, this.#timing.electorLeaseMs), null);
    }
  }

  get(task: TaskId): Seat | undefined {
    return this.#seats.get(task);
  }

  tasks(): readonly TaskId[] {
    return [...this.#seats.keys()];
  }

  /** Takes this peer's seat of a task that names it. */
  open(task: Task, step: Step): void {
    if (this.#seats.has(task.id) || !task.body.electorate.includes(this.#config.self)) return;
    this.#open(task, newAcceptor, step.monoMs);
    step.persist({ kind: 'register', task: task.id, register: { promised: null, accepted: null } });
  }

  /** An ended task needs its register, for those who have missed the end, but nothing that was said on the way. */
  rest(task: TaskId): void {
    const seat = this.#seats.get(task);
    if (seat === undefined) return;
    seat.answers.clear();
    seat.cancels = [];
  }

  close(task: TaskId): void {
    this.#seats.delete(task);
  }

  onPrepare(from: PeerId, message: MessageOf<'prepare'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return this.#unknown(from, message.task, step);
    const { state, reply, durable } = onPrepare(seat.acceptor, message, step.monoMs);
    this.#become(seat, state, durable, step);
    step.send(from, reply);
  }

  onAccept(from: PeerId, message: MessageOf<'accept'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return this.#unknown(from, message.task, step);
    const { state, reply, durable } = onAccept(seat.acceptor, message, step.monoMs, this.#timing.electorLeaseMs);
    this.#become(seat, state, durable, step);
    if (durable) seat.losses = 0;
    step.send(from, reply);
    this.considerTurn(message.task, step);
  }

  onRelease(message: MessageOf<'release'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return;
    seat.acceptor = onRelease(seat.acceptor, message.ballot);
    // What was waited for has come early: the old turn no longer counts.
    seat.turnAt = null;
    this.considerTurn(message.task, step);
  }

  /** Keeps a peer's answer. True when it is an offer for a task that waits for one. */
  onAnswer(from: PeerId, message: MessageOf<'answer'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return this.#unknown(from, message.task, step);
    const known = seat.answers.get(from);
    if (known !== undefined && known.attempt > message.attempt) return;
    if (known === undefined && seat.answers.size >= Limits.answersPerTask) return;
    seat.answers.set(from, { attempt: message.attempt, answer: message.answer, at: step.monoMs });
    this.considerTurn(message.task, step);
  }

  onCancel(from: PeerId, message: MessageOf<'cancel'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return;
    const { request, reason } = message;
    const others = seat.cancels.filter((one) => one.request !== request);
    seat.cancels = [...others, { from, request, reason, heardAt: step.monoMs }].slice(-16);
    this.considerTurn(message.task, step);
  }

  /** Sets the timer for this elector's turn where the task needs a leader and has none. */
  considerTurn(task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    if (seat === undefined || !this.#wantsLeader(seat, step.monoMs)) return;
    const at = this.#turnTime(seat, step.monoMs);
    if (seat.turnAt !== null && seat.turnAt <= at && seat.turnAt >= step.monoMs) return;
    seat.turn += 1;
    seat.turnAt = at;
    step.setTimer({ type: 'elect', task, turn: seat.turn }, at - step.monoMs);
  }

  /** An elect timer has fired. True when it is really this elector's turn; otherwise the next one has been set. */
  takeTurn(task: TaskId, turn: number, step: Step): boolean {
    const seat = this.#seats.get(task);
    if (seat === undefined || seat.turn !== turn) return false;
    seat.turnAt = null;
    if (!this.#wantsLeader(seat, step.monoMs)) return false;
    if (liveLease(seat.acceptor, step.monoMs) === null) return true;
    this.considerTurn(task, step);
    return false;
  }

  /** After a lost round: tries again with jitter, so that two proposers do not duel for ever. */
  retryTurn(task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    if (seat === undefined) return;
    seat.turn += 1;
    seat.losses += 1;
    const backOff = 2 ** Math.min(seat.losses - 1, maxDoublings);
    const afterMs = this.#timing.rankDelayMs * backOff * (0.5 + seat.rank + this.#config.random());
    seat.turnAt = (step.monoMs + afterMs) as MonoMs;
    step.setTimer({ type: 'elect', task, turn: seat.turn }, afterMs);
  }

  /**
   * An attempt under way needs a leader, and so does a task that could move: somebody offers, a person cancels, another
   * task has its key, or it has never been led. One that only waits needs none.
   */
  #wantsLeader(seat: Seat, now: MonoMs): boolean {
    const entry = this.#catalogue.get(seat.task.id);
    if (entry === undefined || isTerminal(entry.state)) return false;
    const state = seat.acceptor.accepted?.value ?? entry.state;
    if (state.phase.name !== 'open') return true;
    if (entry.stalled === null || standingCancels(seat, now, this.#timing).length > 0) return true;
    if (this.#catalogue.winnerOver(seat.task.id) !== null) return true;
    return [...seat.answers].some(([peer, { answer }]) => answer.type === 'bid' && this.#membership.isUp(peer));
  }

  /** Rank 0 tries at once, rank r after r × 300 ms, counted from when the last lease has ended. */
  #turnTime(seat: Seat, now: MonoMs): MonoMs {
    const lease = liveLease(seat.acceptor, now);
    return ((lease?.until ?? now) + seat.rank * this.#timing.rankDelayMs) as MonoMs;
  }

  #open(task: Task, acceptor: AcceptorState, announcedAt: MonoMs | null): void {
    const rank = task.body.electorate.indexOf(this.#config.self);
    const answers = new Map<PeerId, KeptAnswer>();
    this.#seats.set(task.id, {
      task,
      rank,
      announcedAt,
      acceptor,
      answers,
      cancels: [],
      turn: 0,
      turnAt: null,
      losses: 0,
    });
  }

  #become(seat: Seat, state: AcceptorState, durable: boolean, step: Step): void {
    seat.acceptor = state;
    if (!durable) return;
    const { promised, accepted } = state;
    step.persist({ kind: 'register', task: seat.task.id, register: { promised, accepted } });
  }

  /** An elector that has missed its task asks for the record; the sender tries again once it has it. */
  #unknown(from: PeerId, task: TaskId, step: Step): void {
    if (this.#catalogue.get(task) === undefined) step.send(from, { type: 'need-task', task });
  }
}
