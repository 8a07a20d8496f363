import type { PeerId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { type AttemptRecord, assign, type TaskState } from '../../protocol/state.ts';
import { countedAnswers, firstBidAt, judge, type Round, standing, type Verdict } from './round.ts';
import type { Step } from './step.ts';
import type { Change, Tenure } from './tenure.ts';

/** The bid rounds that one leadership opens: who is asked, who has answered, and what comes of it. */
export class Placing {
  readonly #tenure: Tenure;
  #round: (Round & { readonly called: boolean }) | null = null;

  constructor(tenure: Tenure) {
    this.#tenure = tenure;
  }

  get isOpen(): boolean {
    return this.#round !== null;
  }

  close(): void {
    this.#round = null;
  }

  /**
   * open → assigned, or a lapsed attempt → the next one, in one write. Until then the old worker may return. `end` is
   * what the lapsed one ends by.
   */
  place(end: Change | null, step: Step): void {
    const { teller, alarm } = this.#tenure;
    const verdict = this.#judge(this.#tenure.state, step);
    switch (verdict.type) {
      case 'wait':
        return alarm.setAfter(verdict.forMs, step);
      case 'stall':
        if (end !== null) return this.#tenure.write(end, step);
        teller.note('stalled', verdict.reason, step);
        return this.#tenure.retire(verdict.reason, step);
      case 'choose': {
        const attempt = this.#tenure.state.attemptsStarted + 1;
        const name = this.#tenure.name(verdict.worker);
        teller.note('assigned', `attempt ${attempt} to ${name}; ${teller.describeAnswers()}`, step);
        return this.#tenure.write((last) => assign(end?.(last) ?? last, verdict.worker, step.wallMs), step);
      }
    }
  }

  /** What is to be done about the next attempt now; the first time, its round is opened. */
  #judge({ attemptsStarted, attempts }: TaskState, step: Step): Verdict {
    const attempt = attemptsStarted + 1;
    const { seat, task, teller, parts } = this.#tenure;
    const { config, membership } = parts;
    const round = this.#round?.attempt === attempt ? this.#round : this.#open(attempt, step);
    const reachable = membership.live().filter((peer) => membership.isUp(peer));
    const answers = countedAnswers(seat.answers, attempt, reachable);
    const stands = {
      round,
      answers,
      firstBidAt: firstBidAt(seat.answers, answers),
      live: reachable,
      hasFailed: failedWorkers(attempts),
      tieBreak: task,
    };
    const verdict = judge(stands, step.monoMs, config.timing);
    teller.answers = standing(stands, Limits.bidsPerStory);
    // The announcement may have been lost on its way: ask before the window's end leaves only silence.
    const isQuiet = verdict.type === 'wait' && step.monoMs - round.startedAt >= config.timing.bidWindowMs;
    if (isQuiet && !round.called) this.#call(round, step);
    return verdict;
  }

  /** The announcement is the call for the first attempt; every other needs one. */
  #open(attempt: number, step: Step): Round & { readonly called: boolean } {
    const { seat, parts } = this.#tenure;
    const { announcedAt } = seat;
    const { bidWindowMs } = parts.config.timing;
    const isAnnounced = attempt === 1 && announcedAt !== null && step.monoMs - announcedAt < bidWindowMs;
    const round = { attempt, startedAt: step.monoMs, called: false };
    this.#round = round;
    return isAnnounced ? round : this.#call(round, step);
  }

  #call(round: Round, step: Step): Round & { readonly called: boolean } {
    const called = { ...round, called: true };
    this.#round = called;
    const { task, ballot, parts } = this.#tenure;
    const message = { type: 'call', task, attempt: round.attempt, ballot } as const;
    step.sendAll([...parts.membership.neighbours(), parts.config.self], message);
    return called;
  }
}

const failedWorkers = (attempts: readonly AttemptRecord[]): ReadonlySet<PeerId> =>
  new Set(attempts.flatMap(({ worker, outcome }) => (outcome?.type === 'failed' ? [worker] : [])));
