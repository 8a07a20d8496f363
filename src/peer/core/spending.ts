import type { AgentReport } from '../../protocol/agent.ts';
import { dayOf } from '../../protocol/days.ts';
import type { DaySpend } from '../../protocol/hello.ts';
import type { PeerId, RunId, WallMs } from '../../protocol/ids.ts';
import { addUsd, costSchema } from '../../protocol/money.ts';
import type { Stored } from '../store/store.ts';
import type { CoreConfig } from './io.ts';
import type { Step } from './step.ts';

/**
 * What agents have cost, day by day: here, and on other peers as far as they have said.
 *
 * A report tells the total of its run so far, and counts for what it adds to the last, so nothing counts twice. What is
 * counted is durable before anything that follows from it. A crash loses what was spent since the last report: of each
 * run, a call of the model, unless the process had stood still before it died.
 */
export class Spending {
  readonly #config: CoreConfig;
  /** Today's, and the day's before for a clock that is set back over midnight. */
  readonly #days: Map<number, number>;
  /** What each run that goes on has told. */
  readonly #told = new Map<RunId, number>();
  readonly #others = new Map<PeerId, DaySpend>();

  constructor(config: CoreConfig, { spend }: Pick<Stored, 'spend'>) {
    this.#config = config;
    this.#days = new Map(spend.map(({ day, usd }) => [day, usd]));
  }

  get held(): number {
    return this.#days.size + this.#told.size + this.#others.size;
  }

  today(now: WallMs): DaySpend {
    const day = dayOf(now, this.#config.timing.budgetDayMs);
    return { day, usd: this.#days.get(day) ?? 0 };
  }

  /** Of the same day, with those that are off by now; adverts lag, so this is never exact. */
  ofMesh(now: WallMs): number {
    const today = this.today(now);
    return [...this.#others.values()].reduce(
      (sum, { day, usd }) => (day === today.day ? addUsd(sum, usd) : sum),
      today.usd,
    );
  }

  /** Null where the peer has not said; nothing where it has been silent since yesterday. */
  of(peer: PeerId, now: WallMs): number | null {
    const today = this.today(now);
    if (peer === this.#config.self) return today.usd;
    const heard = this.#others.get(peer);
    return heard === undefined ? null : heard.day === today.day ? heard.usd : 0;
  }

  /** A peer's spend of a day never falls, whichever of its adverts comes last. */
  heard(peer: PeerId, spend: DaySpend | undefined): void {
    const before = this.#others.get(peer);
    if (spend === undefined || peer === this.#config.self) return;
    const isNews =
      before === undefined || spend.day > before.day || (spend.day === before.day && spend.usd > before.usd);
    if (isNews) this.#others.set(peer, spend);
  }

  /** What others have spent on days that are over is of no more use. */
  prune(now: WallMs): void {
    const today = dayOf(now, this.#config.timing.budgetDayMs);
    for (const [peer, { day }] of this.#others) if (Math.abs(day - today) > 1) this.#others.delete(peer);
  }

  /** Counts what a report adds to the day, and tells what its run has cost in all. */
  count(run: RunId, report: AgentReport, step: Step): number {
    const before = this.#told.get(run) ?? 0;
    const said = ('costUsd' in report ? report.costUsd : null) ?? 0;
    const total = said > before ? said : before;
    if (isLast(report)) this.#told.delete(run);
    else this.#told.set(run, total);
    if (total > before) this.#add(total - before, step);
    return total;
  }

  #add(usd: number, step: Step): void {
    const today = this.today(step.wallMs);
    for (const day of this.#days.keys()) {
      if (day >= today.day - 1) continue;
      this.#days.delete(day);
      step.persistLazily({ kind: 'spend', day, usd: 0 });
    }
    const spend = { ...today, usd: addUsd(today.usd, usd) };
    this.#days.set(spend.day, spend.usd);
    step.persist({ kind: 'spend', ...spend });
  }
}

/** Anything can be put into an agent's mouth: a cost that can be none counts as what was told before. */
export function withCredibleCost(report: AgentReport): AgentReport {
  if (!('costUsd' in report) || report.costUsd === null || costSchema.safeParse(report.costUsd).success) return report;
  return report.type === 'stopped' ? { type: 'stopped' } : { ...report, costUsd: null };
}

/** Of its run: nothing follows. */
export const isLast = ({ type }: AgentReport): boolean =>
  type !== 'progress' && type !== 'checkpoint' && type !== 'ready';
