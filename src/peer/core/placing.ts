import type { Ballot } from '../../protocol/ballot.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { AttemptRecord, TaskState } from '../../protocol/state.ts';
import type { StandingAnswer } from '../../protocol/summary.ts';
import type { Parts } from './parts.ts';
import { countedAnswers, firstBidAt, judge, type Round, standing, type Verdict } from './round.ts';
import type { Seat } from './seats.ts';
import type { Step } from './step.ts';

/** The bid rounds that one leadership opens: who is asked, who has answered, and what comes of it. */
export class Placing {
  readonly #ballot: Ballot;
  readonly #seat: Seat;
  readonly #parts: Parts;
  #round: (Round & { readonly called: boolean }) | null = null;
  /** The answers to the last round, the bids first, in the order in which they are chosen; for people. */
  answers: readonly StandingAnswer[] = [];

  constructor(ballot: Ballot, seat: Seat, parts: Parts) {
    this.#ballot = ballot;
    this.#seat = seat;
    this.#parts = parts;
  }

  get isOpen(): boolean {
    return this.#round !== null;
  }

  close(): void {
    this.#round = null;
  }

  /** What is to be done about this attempt now; the first time, its round is opened. */
  judge({ attemptsStarted, attempts }: TaskState, step: Step): Verdict {
    const attempt = attemptsStarted + 1;
    const { config, membership } = this.#parts;
    const { id } = this.#seat.task;
    const round = this.#round?.attempt === attempt ? this.#round : this.#open(attempt, step);
    const reachable = membership.live().filter((peer) => membership.isUp(peer));
    const answers = countedAnswers(this.#seat.answers, attempt, reachable);
    const stands = {
      round,
      answers,
      firstBidAt: firstBidAt(this.#seat.answers, answers),
      live: reachable,
      hasFailed: failedWorkers(attempts),
      tieBreak: id,
    };
    const verdict = judge(stands, step.monoMs, config.timing);
    this.answers = standing(stands, Limits.bidsPerStory);
    // The announcement may have been lost on its way: ask before the window's end leaves only silence.
    const isQuiet = verdict.type === 'wait' && step.monoMs - round.startedAt >= config.timing.bidWindowMs;
    if (isQuiet && !round.called) this.#call(round, step);
    return verdict;
  }

  /** The announcement is the call for the first attempt; every other needs one. */
  #open(attempt: number, step: Step): Round & { readonly called: boolean } {
    const { announcedAt } = this.#seat;
    const { bidWindowMs } = this.#parts.config.timing;
    const isAnnounced = attempt === 1 && announcedAt !== null && step.monoMs - announcedAt < bidWindowMs;
    const round = { attempt, startedAt: step.monoMs, called: false };
    this.#round = round;
    return isAnnounced ? round : this.#call(round, step);
  }

  #call(round: Round, step: Step): Round & { readonly called: boolean } {
    const called = { ...round, called: true };
    this.#round = called;
    const message = {
      type: 'call',
      task: this.#seat.task.id,
      attempt: round.attempt,
      ballot: this.#ballot,
    } as const;
    step.sendAll([...this.#parts.membership.neighbours(), this.#parts.config.self], message);
    return called;
  }
}

const failedWorkers = (attempts: readonly AttemptRecord[]): ReadonlySet<PeerId> =>
  new Set(attempts.flatMap(({ worker, outcome }) => (outcome?.type === 'failed' ? [worker] : [])));
