import type { AgentReport } from '../../protocol/agent.ts';
import { endOfDay } from '../../protocol/days.ts';
import { type RunId, type WallMs, wallMs } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { leftUsd, usdText } from '../../protocol/money.ts';
import type { Task } from '../../protocol/record.ts';
import type { Stored, StoredQuota } from '../store/store.ts';
import type { CoreConfig } from './io.ts';
import { isLast, Spending, withCredibleCost } from './spending.ts';
import type { Step } from './step.ts';

/** The longest limits of plans are a week's. A later end is a mistake, and must not keep a peer out for good. */
const longestQuotaMs = 8 * 24 * 3_600_000;

/** Why this peer may spend no more for now. It always says until when, be it only until it tries again. */
export type Lack = StoredQuota;

type QuotaReport = Extract<AgentReport, { type: 'quota' }>;

/**
 * What this peer can afford: the limits of its executor's plan, its own budget for the day, and the mesh's. The first
 * two are hard: whatever runs is handed over as soon as one is used up. The mesh's is soft, since it goes by what
 * others have said: it only keeps attempts from being started.
 */
export class Means {
  readonly spending: Spending;
  readonly #config: CoreConfig;
  #quota: Lack | null = null;
  /** Runs that were given what was left of the day, and how much that was. */
  readonly #rests = new Map<RunId, number>();
  #wasLacking = false;

  constructor(config: CoreConfig, stored: Pick<Stored, 'spend' | 'quotas'>) {
    this.#config = config;
    this.spending = new Spending(config, stored);
    this.#quota = stored.quotas.find(({ executor }) => executor === this.#executor)?.quota ?? null;
  }

  get held(): number {
    return this.#rests.size + this.spending.held;
  }

  /** Why no attempt may start here. By the wall clock, which goes on while the machine sleeps. */
  lack(now: WallMs): Lack | null {
    return this.exhausted(now) ?? this.#meshLack(now);
  }

  /** Why none may go on either: whichever lasts longest. */
  exhausted(now: WallMs): Lack | null {
    const quota = this.#quota !== null && this.#quota.until > now ? this.#quota : null;
    return later(quota, this.#budgetLack(now));
  }

  /** What a run may spend: of its task's budget and of this peer's day, what is left, whichever is less. */
  allot(run: RunId, { body }: Task, spentUsd: number, step: Step): number | null {
    const { budgetUsd } = body.limits;
    const ofTask = budgetUsd === null ? null : leftUsd(budgetUsd, spentUsd);
    const ofDay = this.#leftToday(step.wallMs);
    if (ofDay === null || (ofTask !== null && ofTask <= ofDay)) return ofTask;
    this.#rests.set(run, ofDay);
    return ofDay;
  }

  /**
   * Counts what a report says of money, and notes a limit that was met. Returns it as it is to be told on: with the
   * time of the next try where it names none, and as a want of money where it has failed for nothing else.
   */
  take(run: RunId, told: AgentReport, step: Step): AgentReport {
    const report = withCredibleCost(told);
    const costUsd = this.spending.count(run, report, step);
    const rest = this.#rests.get(run);
    if (isLast(report)) this.#rests.delete(run);
    if (report.type === 'quota') return { ...report, until: this.#meet(report, step) };
    if (report.type !== 'failed' || report.final || rest === undefined || costUsd < rest) return report;
    const { until, reason } = this.exhausted(step.wallMs) ?? {
      until: null,
      reason: 'the rest of a day’s budget is spent',
    };
    return { type: 'quota', until, reason, costUsd };
  }

  /** True when work can be taken on that could not be before: asked every few seconds, and after a sleep. */
  refresh(step: Step): boolean {
    this.spending.prune(step.wallMs);
    if (this.#quota !== null && this.#quota.until <= step.wallMs) {
      this.#quota = null;
      step.persistLazily({ kind: 'quota', executor: this.#executor, quota: null });
    }
    const isLacking = this.lack(step.wallMs) !== null;
    const isBack = this.#wasLacking && !isLacking;
    this.#wasLacking = isLacking;
    return isBack;
  }

  /**
   * A limit was met; of several the later end counts. A stated one outlives a restart, which would only meet it again.
   * One without an end is a key that was rejected, as like as not, and a restart is how a person mends that.
   */
  #meet({ until, reason }: QuotaReport, step: Step): WallMs {
    const now = step.wallMs;
    // One that is over already says nothing of when the next try is worth while.
    const isStated = until !== null && until > now;
    const end = isStated ? Math.min(Math.ceil(until), now + longestQuotaMs) : now + this.#config.timing.quotaRetryMs;
    const met: Lack = { until: wallMs(end), reason: reason.slice(0, Limits.line) };
    this.#quota = later(this.#quota, met);
    if (isStated && this.#quota === met) step.persist({ kind: 'quota', executor: this.#executor, quota: met });
    return met.until;
  }

  #budgetLack(now: WallMs): Lack | null {
    const { dailyUsd } = this.#config.budgets;
    const { day, usd } = this.spending.today(now);
    if (dailyUsd === null || usd < dailyUsd) return null;
    return this.#untilTomorrow(day, `the daily budget of ${usdText(dailyUsd)} is spent`);
  }

  #meshLack(now: WallMs): Lack | null {
    const { meshDailyUsd } = this.#config.budgets;
    if (meshDailyUsd === null) return null;
    const usd = this.spending.ofMesh(now);
    if (usd < meshDailyUsd) return null;
    const { day } = this.spending.today(now);
    return this.#untilTomorrow(day, `the mesh has spent ${usdText(usd)} of ${usdText(meshDailyUsd)} today`);
  }

  #untilTomorrow(day: number, reason: string): Lack {
    return { until: endOfDay(day, this.#config.timing.budgetDayMs), reason };
  }

  #leftToday(now: WallMs): number | null {
    const { dailyUsd } = this.#config.budgets;
    return dailyUsd === null ? null : leftUsd(dailyUsd, this.spending.today(now).usd);
  }

  /** Another executor has limits of its own. */
  get #executor(): string {
    const { executor } = this.#config;
    return 'name' in executor ? executor.name : 'none';
  }
}

const later = (a: Lack | null, b: Lack | null): Lack | null =>
  a === null || (b !== null && b.until > a.until) ? b : a;
