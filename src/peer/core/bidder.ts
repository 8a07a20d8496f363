import { answerDelayMs, answerFor, decline } from '../../election/placement.ts';
import type { Answer } from '../../protocol/bids.ts';
import type { Advert } from '../../protocol/hello.ts';
import { byText, type MonoMs, monoMs, type TaskId, type WallMs } from '../../protocol/ids.ts';
import { Priorities, type Repository, repositoryText, type Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Means } from './means.ts';
import type { Membership } from './membership.ts';
import { isDead } from './past.ts';
import type { Step } from './step.ts';
import type { Worker } from './worker.ts';

/** A task gains one step of priority for every so long that it has waited. */
const agingMs = 10 * 60_000;
/** How long what frees a slot, or opens a task, is gathered before waiting tasks are looked at. */
const lookMs = 5;
/** Some reasons end without a word: waiting tasks are looked at anyway, this often. */
const lookAgainMs = 60_000;
/** A repository that refused this peer is declined for this long. */
const noAccessMs = 10 * 60_000;

/**
 * What this peer offers. It answers every call at once; and when the reason of an earlier "no" ends, it offers by
 * itself, to the highest priority first, then to the oldest.
 */
export class Bidder {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  readonly #worker: Worker;
  readonly #means: Means;
  /** Offers that may still lead to an assignment, and when they were made. */
  readonly #offers = new Map<TaskId, MonoMs>();
  /** Tasks whose announcement has been answered: it comes by several ways. */
  readonly #answered = new Set<TaskId>();
  readonly #noAccess = new Map<string, { readonly reason: string; readonly until: WallMs }>();
  #draining = false;
  #refreshedAt: MonoMs = monoMs(0);
  /** When waiting tasks are looked at next, and the number of that turn: a timer with another one is stale. */
  #lookAt: MonoMs | null = null;
  #turn = 0;

  constructor(config: CoreConfig, catalogue: Catalogue, membership: Membership, worker: Worker, means: Means) {
    this.#config = config;
    this.#membership = membership;
    this.#catalogue = catalogue;
    this.#worker = worker;
    this.#means = means;
  }

  get held(): number {
    return this.#offers.size + this.#answered.size + this.#noAccess.size;
  }

  mayStart(now: WallMs): boolean {
    return !this.#draining && this.#means.lack(now) === null;
  }

  unavailable(now: WallMs): Advert['unavailable'] {
    const { executor } = this.#config;
    if (this.#draining) return { until: null, reason: 'draining' };
    const lack = this.#means.lack(now);
    if (lack !== null) return lack;
    return 'unusable' in executor ? { until: null, reason: executor.unusable.slice(0, 500) } : null;
  }

  hasAnswered(task: TaskId): boolean {
    return this.#answered.has(task);
  }

  /** A call, or the announcement that is the first one. */
  answer(task: Task, attempt: number, step: Step): void {
    if (this.#config.role === 'client') return;
    this.#answered.add(task.id);
    const { self, timing } = this.#config;
    const live = this.#membership.live().length;
    const delayMs = answerDelayMs(this.#answerTo(task, step), self, task.id, live, timing.bidWindowMs);
    if (delayMs > 0) step.setTimer({ type: 'bid', task: task.id, attempt }, delayMs);
    else this.#send(task, attempt, step);
  }

  /** An answer was held back; by now the task may have found its worker. */
  onBidTimer(id: TaskId, attempt: number, step: Step): void {
    const entry = this.#catalogue.get(id);
    if (entry === undefined || isTerminal(entry.state) || entry.state.attemptsStarted >= attempt) return;
    this.#send(entry.task, attempt, step);
  }

  #send(task: Task, attempt: number, step: Step): void {
    const answer = this.#answerTo(task, step);
    step.sendAll(this.#catalogue.electorate(task.id), { type: 'answer', task: task.id, attempt, answer });
    if (answer.type !== 'bid') return;
    this.#offers.set(task.id, step.monoMs);
    // An offer that comes to nothing is made again, with no other event to remind of it.
    this.#lookAfter(this.#config.timing.offerMs, step);
  }

  /** Soon offers to waiting tasks, where slots are free: what comes in a burst is looked at once. */
  offer(step: Step): void {
    if (this.#canOffer(step) && this.#mayOfferMore()) this.#lookAfter(lookMs, step);
  }

  onTimer(turn: number, step: Step): void {
    if (turn !== this.#turn) return;
    this.#lookAt = null;
    if (!this.#canOffer(step)) return;
    this.#expire(step);
    if (!this.#mayOfferMore()) return this.#lookAfter(this.#config.timing.offerMs, step);
    for (const { task, state } of this.#waiting(step)) {
      if (this.#offers.has(task.id) || this.#answerTo(task, step).type !== 'bid') continue;
      this.answer(task, state.attemptsStarted + 1, step);
      if (!this.#mayOfferMore()) break;
    }
    // This look may have come in place of a later one, which an offer that is still out had asked for.
    if (this.#offers.size > 0) this.#lookAfter(this.#config.timing.offerMs, step);
  }

  #lookAfter(afterMs: number, step: Step): void {
    const at = monoMs(step.monoMs + afterMs);
    if (this.#lookAt !== null && this.#lookAt <= at) return;
    this.#lookAt = at;
    this.#turn += 1;
    step.setTimer({ type: 'offers', turn: this.#turn }, afterMs);
  }

  /**
   * An offer reserves nothing, and of n peers that offer one is chosen: with n offers out for each free slot the slots
   * fill up, and few assignments find theirs gone.
   */
  #mayOfferMore(): boolean {
    const free = this.#config.capacity - this.#worker.running;
    return this.#offers.size < free * this.#membership.live().length;
  }

  /** The task is no longer to be had, or has come here. */
  settled(task: TaskId): void {
    this.#offers.delete(task);
  }

  forget(task: TaskId): void {
    this.#answered.delete(task);
    this.#offers.delete(task);
  }

  onRefused(repository: Repository, reason: string, step: Step): void {
    this.#noAccess.set(repositoryText(repository), { reason, until: (step.wallMs + noAccessMs) as WallMs });
  }

  /** Ends what has a stated end. True when waiting tasks are to be looked at again. */
  refresh(step: Step): boolean {
    const { wallMs, monoMs: now } = step;
    const hasMeansBack = this.#means.refresh(step);
    const opened = [...this.#noAccess].filter(([, { until }]) => until <= wallMs);
    for (const [repository] of opened) this.#noAccess.delete(repository);
    const isDue = now - this.#refreshedAt >= lookAgainMs;
    if (!hasMeansBack && opened.length === 0 && !isDue) return false;
    this.#refreshedAt = now;
    return true;
  }

  drain(): void {
    this.#draining = true;
    this.#offers.clear();
  }

  #canOffer({ wallMs }: Step): boolean {
    return this.#config.role === 'peer' && this.mayStart(wallMs) && !('unusable' in this.#config.executor);
  }

  #answerTo({ id, body }: Task, step: Step): Answer {
    const { executor, capacity, specialties, aptitude } = this.#config;
    if (this.#draining) return decline('draining');
    if ('unusable' in executor) return decline('no executor', executor.unusable.slice(0, 500));
    const lack = this.#means.lack(step.wallMs);
    if (lack !== null) return decline('quota', lack.reason, lack.until);
    const refused = this.#noAccess.get(repositoryText(body.repository));
    if (refused !== undefined && refused.until > step.wallMs)
      return decline('no access', refused.reason.slice(0, 500), refused.until);
    const { noAccess, warm } = aptitude(body.repository);
    if (noAccess !== null) return decline('no access', noAccess.slice(0, 500));
    const { running, past } = this.#worker;
    if (!this.#offers.has(id) && running < capacity && !this.#mayOfferMore())
      return decline('busy', 'its slots are on offer');
    return answerFor(body.requires, {
      specialties,
      capacity,
      running,
      warm,
      attemptsDone: past.done,
      attemptsEnded: past.ended,
    });
  }

  #waiting(step: Step): readonly Entry[] {
    const rank = ({ task }: Entry): number =>
      Priorities.indexOf(task.body.priority) + Math.floor((step.wallMs - task.body.createdAt) / agingMs);
    return this.#catalogue
      .waiting()
      .filter((entry) => !isDead(entry, step, this.#config.timing))
      .sort(
        (a, b) => rank(b) - rank(a) || a.task.body.createdAt - b.task.body.createdAt || byText(a.task.id, b.task.id),
      );
  }

  #expire(step: Step): void {
    for (const [task, madeAt] of this.#offers) {
      const entry = this.#catalogue.get(task);
      const isOver = entry === undefined || isTerminal(entry.state) || entry.state.phase.name !== 'open';
      if (isOver || step.monoMs - madeAt >= this.#config.timing.offerMs) this.#offers.delete(task);
    }
  }
}
