import { type RunId, taskOfRun } from '../../../src/protocol/ids.ts';
import { addUsd, leftUsd } from '../../../src/protocol/money.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

interface Knowledge {
  /** By its wall clock: it has no quota until then. */
  readonly untilMs: number;
  /** By day, in USD. */
  readonly spent: ReadonlyMap<number, number>;
}

/** A peer's means: what it was told of them, by this oracle's own count, and what its disk has of that. */
interface Purse {
  known: Knowledge;
  kept: Knowledge;
  readonly told: Map<RunId, number>;
  /** True time since when it can spend nothing. */
  emptySince: number | null;
}

/** By then what ran is in other hands. */
const handOverMs = 5_000;

/**
 * I11: a peer that was told that it is out of quota, or that its day's budget is spent, starts no attempt until that has
 * ended, and five seconds later nothing of it spends any more; and none may spend more than is left of the day.
 */
export class WithinMeans implements Observer {
  readonly #report: Report;
  readonly #purses = new Map<string, Purse>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'told':
        return this.#onTold(observation);
      case 'limited':
        return this.#keep(observation.peer, { untilMs: observation.untilMs });
      case 'counted':
        return this.#keep(observation.peer, { spent: new Map([[observation.day, observation.usd]]) });
      case 'spent':
        return this.#onSpent(observation);
      case 'agent-started':
        return this.#onStart(observation);
      case 'peer':
        if (observation.change === 'crashed' || observation.change === 'left') this.#forget(observation.peer);
        return;
      default:
    }
  }

  #onTold(told: ObservationOf<'told'>): void {
    const { at, peer, run, report, wallMs, day } = told;
    const purse = this.#purseOf(peer);
    const wasEmpty = whyEmpty(purse.known, told) !== null;
    const before = purse.told.get(run) ?? 0;
    const total = Math.max(before, ('costUsd' in report ? report.costUsd : null) ?? 0);
    purse.told.set(run, total);
    const until = report.type === 'quota' ? (report.until ?? wallMs + defaultTiming.quotaRetryMs) : 0;
    const today = addUsd(purse.known.spent.get(day) ?? 0, total - before);
    purse.known = {
      untilMs: Math.max(purse.known.untilMs, until),
      spent: new Map([...purse.known.spent, [day, today]]),
    };
    if (!wasEmpty) purse.emptySince = whyEmpty(purse.known, told) === null ? null : at;
  }

  #onSpent(spent: ObservationOf<'spent'>): void {
    const { at, peer, run } = spent;
    const { emptySince, known } = this.#purseOf(peer);
    const why = whyEmpty(known, spent);
    if (why === null || emptySince === null || at - emptySince <= handOverMs) return;
    const text = `${peer} still spends, ${Math.round(at - emptySince)} ms after it was told: ${why}`;
    this.#report({ invariant: 'I11', at, task: taskOfRun(run), text });
  }

  #onStart(started: ObservationOf<'agent-started'>): void {
    const { at, peer, job, day, dailyUsd } = started;
    const { known } = this.#purseOf(peer);
    const wrong = (text: string): void =>
      this.#report({ invariant: 'I11', at, task: job.task.id, text: `${peer} starts attempt ${job.attempt}, ${text}` });
    const why = whyEmpty(known, started);
    if (why !== null) return wrong(`and was told: ${why}`);
    if (dailyUsd === null) return;
    const left = leftUsd(dailyUsd, known.spent.get(day) ?? 0);
    if (job.spendableUsd === null || job.spendableUsd > left)
      wrong(`which may spend ${job.spendableUsd}, and ${left} is left of the day`);
  }

  #keep(peer: string, { untilMs, spent }: Partial<Knowledge>): void {
    const purse = this.#purseOf(peer);
    const { kept } = purse;
    purse.kept = { untilMs: untilMs ?? kept.untilMs, spent: new Map([...kept.spent, ...(spent ?? [])]) };
  }

  /** A new process knows what is on its disk. What was told last may not have got there. */
  #forget(peer: string): void {
    const purse = this.#purseOf(peer);
    purse.known = purse.kept;
    purse.told.clear();
    purse.emptySince = null;
  }

  #purseOf(peer: string): Purse {
    const known = this.#purses.get(peer);
    if (known !== undefined) return known;
    const nothing: Knowledge = { untilMs: 0, spent: new Map() };
    const purse: Purse = { known: nothing, kept: nothing, told: new Map(), emptySince: null };
    this.#purses.set(peer, purse);
    return purse;
  }
}

function whyEmpty(
  { untilMs, spent }: Knowledge,
  { wallMs, day, dailyUsd }: { readonly wallMs: number; readonly day: number; readonly dailyUsd: number | null },
): string | null {
  if (wallMs < untilMs) return `no quota for ${Math.round(untilMs - wallMs)} ms more`;
  const today = spent.get(day) ?? 0;
  return dailyUsd !== null && today >= dailyUsd ? `${today} of ${dailyUsd} is spent today` : null;
}
