import { liveLease } from '../../election/acceptor.ts';
import type { Answer } from '../../protocol/bids.ts';
import type { MonoMs, PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { Parts } from './parts.ts';
import type { Register } from './registers.ts';
import type { Step } from './step.ts';

/** A wish that was not repeated for so many times is no longer one. */
const missedResends = 3;

/** The pause after a lost round, and the patience with the next, are doubled so often at most: still within a lease. */
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
  /** When this peer heard of the task; null after a restart. The announcement is the call for the first round. */
  readonly announcedAt: MonoMs | null;
  readonly answers: Map<PeerId, KeptAnswer>;
  cancels: readonly CancelRequest[];
  /** Numbers this seat's turns: a timer with another number is stale. */
  turn: number;
  turnAt: MonoMs | null;
  /** Somebody else has this elector's promise and tries: until then it stands back. */
  yieldsUntil: MonoMs | null;
  /**
   * Rounds begun, here or elsewhere, since anybody led: each doubles the patience, as a slow or overloaded mesh needs
   * it.
   */
  losses: number;
}

/** The cancels that are still wished for. */
export const standingCancels = (seat: Seat, now: MonoMs, timing: Timing): readonly CancelRequest[] =>
  seat.cancels.filter(({ heardAt }) => now - heardAt < missedResends * timing.resendMs);

/** It has refused what it had offered: the other bids of that round still stand, for the next attempt. */
export function passOver({ answers }: Seat, attempt: number, worker: PeerId): void {
  answers.delete(worker);
  for (const [peer, kept] of answers)
    if (kept.attempt === attempt) answers.set(peer, { ...kept, attempt: attempt + 1 });
}

/** Told to all who wait for it. */
export function answerCancels(seat: Seat, result: MessageOf<'cancel-answer'>['result'], step: Step): void {
  for (const { from, request } of seat.cancels) {
    step.send(from, { type: 'cancel-answer', task: seat.task.id, request, result });
  }
  seat.cancels = [];
}

/**
 * This peer's seats: for each task that it is an elector of, what it has heard for whoever leads, and when it is this
 * elector's turn to try for the lease. What a turn leads to is the leaders' business.
 */
export class Seats {
  readonly #parts: Parts;
  readonly #timing: Timing;
  readonly #seats = new Map<TaskId, Seat>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#timing = parts.config.timing;
    for (const id of parts.registers.tasks()) {
      const entry = parts.catalogue.get(id);
      if (entry !== undefined) this.take(entry.task, null);
    }
  }

  get held(): number {
    const said = [...this.#seats.values()].map(({ answers, cancels }) => 1 + answers.size + cancels.length);
    return said.reduce((sum, one) => sum + one, 0);
  }

  get(task: TaskId): Seat | undefined {
    return this.#seats.get(task);
  }

  /** Takes the seat that a register goes with; `announcedAt` where the task was announced just now. */
  take(task: Task, announcedAt: MonoMs | null): void {
    if (this.#seats.has(task.id)) return;
    this.#seats.set(task.id, {
      task,
      announcedAt,
      answers: new Map(),
      cancels: [],
      turn: 0,
      turnAt: null,
      yieldsUntil: null,
      losses: 0,
    });
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

  /**
   * Only who leads writes or renews: the first accept of a ballot has won nothing so far, its own elector's least of
   * all.
   */
  onAccepted({ task, version }: MessageOf<'accept'>, step: Step): void {
    const seat = this.#seats.get(task);
    if (seat === undefined) return;
    if (version.seq > 0) seat.losses = 0;
    this.considerTurn(task, step);
  }

  /** How long a round may take before it is given up. */
  patienceMs(task: TaskId): number {
    return this.#timing.roundMs * 2 ** Math.min(this.#seats.get(task)?.losses ?? 0, maxDoublings);
  }

  /** What was waited for has come early: the old turn no longer counts. */
  onReleased(task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    if (seat === undefined) return;
    seat.turnAt = null;
    seat.yieldsUntil = null;
    this.considerTurn(task, step);
  }

  /** Where answers take longer than the ranks are apart, everybody would otherwise outbid everybody else for ever. */
  onPromised(to: PeerId, task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    if (seat === undefined || to === this.#parts.config.self) return;
    seat.yieldsUntil = (step.monoMs + this.patienceMs(task)) as MonoMs;
    seat.losses += 1;
  }

  /**
   * Keeps a peer's last answer for whoever leads. Last is what comes last, not what has the higher attempt: two lives
   * of a task count their attempts apart, and an answer to the one that gave way would silence its peer for good.
   */
  onAnswer(from: PeerId, message: MessageOf<'answer'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return this.#unknown(from, message.task, step);
    if (this.#isOver(message.task)) return this.#parts.registers.tellNews(from, message.task, step);
    if (!seat.answers.has(from) && !this.#hasRoom(seat)) return;
    seat.answers.set(from, { attempt: message.attempt, answer: message.answer, at: step.monoMs });
    this.considerTurn(message.task, step);
  }

  /** Its generation is new: who still wishes for a cancel repeats it, and who has adopted the task does not. */
  forgetCancels(task: TaskId): void {
    const seat = this.#seats.get(task);
    if (seat !== undefined) seat.cancels = [];
  }

  onCancel(from: PeerId, message: MessageOf<'cancel'>, step: Step): void {
    const seat = this.#seats.get(message.task);
    if (seat === undefined) return;
    if (this.#isOver(message.task)) return this.#parts.registers.tellNews(from, message.task, step);
    const { request, reason } = message;
    const others = seat.cancels.filter((one) => one.request !== request);
    seat.cancels = [...others, { from, request, reason, heardAt: step.monoMs }].slice(-16);
    this.considerTurn(message.task, step);
  }

  /** Sets the timer for this elector's turn where the task needs a leader and has none. */
  considerTurn(task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    const register = this.#parts.registers.current(task);
    if (seat === undefined || register === undefined || !this.#wantsLeader(seat, register, step)) return;
    const at = this.#turnTime(seat, register, step.monoMs);
    if (seat.turnAt !== null && seat.turnAt <= at && seat.turnAt >= step.monoMs) return;
    seat.turn += 1;
    seat.turnAt = at;
    step.setTimer({ type: 'elect', task, turn: seat.turn }, at - step.monoMs);
  }

  /** An elect timer has fired. True when it is really this elector's turn; otherwise the next one has been set. */
  takeTurn(task: TaskId, turn: number, step: Step): boolean {
    const seat = this.#seats.get(task);
    const register = this.#parts.registers.current(task);
    if (seat === undefined || register === undefined || seat.turn !== turn) return false;
    seat.turnAt = null;
    if (!this.#wantsLeader(seat, register, step)) return false;
    if (this.#freeAt(seat, register, step.monoMs) <= step.monoMs) return true;
    this.considerTurn(task, step);
    return false;
  }

  /** After a lost round: tries again with jitter, so that two proposers do not duel for ever. */
  retryTurn(task: TaskId, step: Step): void {
    const seat = this.#seats.get(task);
    const register = this.#parts.registers.current(task);
    if (seat === undefined || register === undefined) return;
    seat.turn += 1;
    seat.losses += 1;
    const backOff = 2 ** Math.min(seat.losses - 1, maxDoublings);
    const afterMs = this.#timing.rankDelayMs * backOff * (0.5 + this.#rank(register) + this.#parts.config.random());
    seat.turnAt = (step.monoMs + afterMs) as MonoMs;
    step.setTimer({ type: 'elect', task, turn: seat.turn }, afterMs);
  }

  /** Every seat is in other hands, or cannot be handed over. */
  areHandedOver(): boolean {
    return this.#parts.registers.tasks().every((task) => {
      const register = this.#parts.registers.current(task);
      const entry = this.#parts.catalogue.get(task);
      if (register === undefined || entry === undefined || isTerminal(entry.state)) return true;
      return this.#parts.registers.isOver(register) || !this.#parts.healing.canMove(register.generation);
    });
  }

  /**
   * An attempt under way needs a leader, and so does a task that could move: somebody offers, a person cancels, another
   * task has its key, its electorate is to change, or it has never been led. One that only waits needs none.
   */
  #wantsLeader(seat: Seat, register: Register, step: Step): boolean {
    const now = step.monoMs;
    const { task } = register;
    const entry = this.#parts.catalogue.get(task);
    if (entry === undefined || isTerminal(entry.state) || this.#parts.registers.isOver(register)) return false;
    const state = register.acceptor.accepted?.value ?? entry.state;
    if (state.phase.name !== 'open' || state.moved !== null) return true;
    if (entry.stalled === null || standingCancels(seat, now, this.#timing).length > 0) return true;
    if (this.#parts.catalogue.winnerOver(task, step, this.#timing) !== null) return true;
    if (this.#parts.healing.isDue(task, register.generation, now)) return true;
    return [...seat.answers].some(([peer, { answer }]) => answer.type === 'bid' && this.#parts.membership.isUp(peer));
  }

  /** Rank 0 tries at once, rank r after r × 300 ms, counted from when the last lease, or somebody's try, has ended. */
  #turnTime(seat: Seat, register: Register, now: MonoMs): MonoMs {
    return (this.#freeAt(seat, register, now) + this.#rank(register) * this.#timing.rankDelayMs) as MonoMs;
  }

  #freeAt(seat: Seat, { acceptor }: Register, now: MonoMs): MonoMs {
    return Math.max(now, liveLease(acceptor, now)?.until ?? now, seat.yieldsUntil ?? now) as MonoMs;
  }

  #rank({ generation }: Register): number {
    return generation.electorate.indexOf(this.#parts.config.self);
  }

  /** Of those that have answered, whoever is gone makes room: a task may wait for longer than most peers stay. */
  #hasRoom({ answers }: Seat): boolean {
    if (answers.size < Limits.answersPerTask) return true;
    for (const peer of answers.keys()) if (!this.#parts.membership.isUp(peer)) answers.delete(peer);
    return answers.size < Limits.answersPerTask;
  }

  #isOver(task: TaskId): boolean {
    const register = this.#parts.registers.current(task);
    return register !== undefined && this.#parts.registers.isOver(register);
  }

  /** An elector that has missed its task asks for the record; the sender tries again once it has it. */
  #unknown(from: PeerId, task: TaskId, step: Step): void {
    if (this.#parts.catalogue.get(task) === undefined) this.#parts.catalogue.lack(from, task, step);
  }
}
