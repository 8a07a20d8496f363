import { type RunId, runIdOf, type TaskId, taskOfRun } from '../../../src/protocol/ids.ts';
import { addUsd } from '../../../src/protocol/money.ts';
import type { TaskState } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Electorates, Report } from './oracle.ts';
import type { GrowingRegisters } from './registers.ts';

/** Of one run, in one life of its process. */
interface Costs {
  spent: number;
  told: number;
  lastCall: number;
}

/** One peer's money: what its agents have spent, what they have told of it, and what its disk has of that. */
interface Account {
  spent: number;
  told: number;
  readonly counted: Map<number, number>;
  readonly runs: Map<RunId, Costs>;
  /** What the last report added: all that a crash may keep from the disk. */
  lastTold: number;
  /** It has stood still, so its agents may have spent what nobody has heard of. */
  isStill: boolean;
}

/** Amounts are whole millionths, so a half of one tells two of them apart. */
const isMore = (one: number, other: number): boolean => one - other > 5e-7;

/**
 * I12: what a peer counts is what its agents have told, none of it twice and all of it durable by the next report; a crash
 * loses of each run no more than a call of the model, unless the process had stood still. What a register says of attempts
 * they have spent, and none starts with more than they have left of the task's budget.
 */
export class TrueAccounts implements Observer {
  readonly #report: Report;
  readonly #registers: GrowingRegisters;
  readonly #electorates: Electorates;
  readonly #accounts = new Map<string, Account>();
  readonly #spentBy = new Map<RunId, number>();

  constructor(report: Report, registers: GrowingRegisters, electorates: Electorates) {
    this.#report = report;
    this.#registers = registers;
    this.#electorates = electorates;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'spent':
        return this.#onSpent(observation);
      case 'told':
        return this.#onTold(observation);
      case 'counted':
        return this.#onCounted(observation);
      case 'agent-started':
        return this.#onStart(observation);
      case 'agent-ended':
        if (observation.how === 'killed') this.#onKilled(observation);
        return;
      case 'peer':
        return this.#onPeer(observation);
      default:
    }
  }

  #onSpent({ peer, run, usd }: ObservationOf<'spent'>): void {
    const account = this.#accountOf(peer);
    account.spent = addUsd(account.spent, usd);
    this.#spentBy.set(run, addUsd(this.#spentBy.get(run) ?? 0, usd));
    const costs = costsOf(account, run);
    costs.spent = addUsd(costs.spent, usd);
    costs.lastCall = usd;
  }

  #onTold({ at, peer, run, report }: ObservationOf<'told'>): void {
    const account = this.#accountOf(peer);
    const counted = countedIn(account);
    if (isMore(account.told, counted))
      this.#wrong(at, taskOfRun(run), `${peer} was told of ${account.told} and has counted ${counted}`);
    const costs = costsOf(account, run);
    const total = Math.max(costs.told, ('costUsd' in report ? report.costUsd : null) ?? 0);
    account.lastTold = addUsd(total, -costs.told);
    costs.told = total;
    account.told = addUsd(account.told, account.lastTold);
  }

  #onCounted({ at, peer, day, usd }: ObservationOf<'counted'>): void {
    const account = this.#accountOf(peer);
    account.counted.set(day, usd);
    const counted = countedIn(account);
    if (isMore(counted, account.told))
      this.#wrong(at, null, `${peer} counts ${counted}, and was told of ${account.told}`);
    if (account.spent > 0 && isMore(counted, account.spent))
      this.#wrong(at, null, `${peer} counts ${counted}, and its agents have spent ${account.spent}`);
  }

  #onKilled({ at, peer, run }: ObservationOf<'agent-ended'>): void {
    const account = this.#accountOf(peer);
    const { spent, told, lastCall } = costsOf(account, run);
    const lost = addUsd(spent, -told);
    if (account.isStill || !isMore(lost, lastCall)) return;
    this.#wrong(at, taskOfRun(run), `${peer} dies, and nobody has told it of ${lost} that is spent`);
  }

  #onPeer({ at, peer, change }: ObservationOf<'peer'>): void {
    const account = this.#accountOf(peer);
    if (change === 'paused' || change === 'slept') account.isStill = true;
    if (change === 'continued' || change === 'woke' || change === 'started') account.isStill = false;
    if (change !== 'crashed' && change !== 'left') return;
    const counted = countedIn(account);
    const lost = addUsd(account.told, -counted);
    if (isMore(lost, account.lastTold)) this.#wrong(at, null, `the disk of ${peer} lacks ${lost} that it was told of`);
    account.told = counted;
    account.runs.clear();
  }

  #onStart({ at, job }: ObservationOf<'agent-started'>): void {
    const { task, attempt, spendableUsd } = job;
    const state = this.#registers.committed(task.id).find(({ attemptsStarted }) => attemptsStarted === attempt);
    // Of two lives of a task each counts its own.
    if (state === undefined || this.#electorates.mayFork(task.id)) return;
    const wrong = (text: string): void => this.#wrong(at, task.id, `attempt ${attempt} starts, and ${text}`);
    for (const { number, costUsd } of state.attempts) {
      const spent = this.#spentBy.get(runIdOf(task.id, number)) ?? 0;
      if (spent > 0 && isMore(costUsd ?? 0, spent)) wrong(`attempt ${number} cost ${costUsd}, having spent ${spent}`);
    }
    const { budgetUsd } = task.body.limits;
    if (budgetUsd === null) return;
    const earlier = costOf(state);
    if (spendableUsd === null || isMore(spendableUsd, Math.max(0, budgetUsd - earlier)))
      wrong(`may spend ${spendableUsd}; of ${budgetUsd}, ${earlier} is spent`);
    const isFinished = state.checkpoint?.finished === true || state.publication !== null;
    if (!isFinished && !isMore(budgetUsd, earlier)) wrong(`nothing is left: of ${budgetUsd}, ${earlier} is spent`);
  }

  #accountOf(peer: string): Account {
    const known = this.#accounts.get(peer);
    if (known !== undefined) return known;
    const account = { spent: 0, told: 0, counted: new Map(), runs: new Map(), lastTold: 0, isStill: false };
    this.#accounts.set(peer, account);
    return account;
  }

  #wrong(at: number, task: TaskId | null, text: string): void {
    this.#report({ invariant: 'I12', at, task, text });
  }
}

function costsOf({ runs }: Account, run: RunId): Costs {
  const known = runs.get(run);
  if (known !== undefined) return known;
  const costs = { spent: 0, told: 0, lastCall: 0 };
  runs.set(run, costs);
  return costs;
}

const sum = (amounts: Iterable<number>): number => [...amounts].reduce(addUsd, 0);
const countedIn = ({ counted }: Account): number => sum(counted.values());
const costOf = ({ attempts }: TaskState): number => sum(attempts.map(({ costUsd }) => costUsd ?? 0));
