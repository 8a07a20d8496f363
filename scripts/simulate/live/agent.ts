import { readClocks } from '../../../src/peer/driver.ts';
import type { AgentReport, AgentRunner, Aptitude, Job, PublishStep, StopReason } from '../../../src/protocol/agent.ts';
import { dayOf } from '../../../src/protocol/days.ts';
import type { RunId } from '../../../src/protocol/ids.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';
import type { AgentHost } from '../../../test/sim/agents.ts';
import type { Workers } from '../../../test/sim/forge/workers.ts';
import type { Observation } from '../../../test/sim/observation.ts';

interface Running {
  readonly job: Job;
  readonly report: (report: AgentReport) => void;
}

type Sight<Type extends Observation['type']> = Omit<Extract<Observation, { type: Type }>, 'at' | 'peer'>;
/** What is seen of the agents of one peer. */
export type AgentSight = Sight<'agent-started'> | Sight<'agent-ended'> | Sight<'wants-grant'> | Sight<'granted'>;

export interface Eyes {
  nowMs(): number;
  see(sight: AgentSight): void;
}

/** The simulator's agents, at work for one real peer in real time. */
export class LiveAgents implements AgentRunner {
  readonly #peer: string;
  readonly #workers: Workers;
  readonly #eyes: Eyes;
  readonly #running = new Map<RunId, Running>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(peer: string, workers: Workers, eyes: Eyes) {
    this.#peer = peer;
    this.#workers = workers;
    this.#eyes = eyes;
  }

  start(job: Job, report: Running['report']): void {
    this.#running.set(job.run, { job, report });
    const { wallMs } = readClocks();
    const means = { wallMs, day: dayOf(wallMs, defaultTiming.budgetDayMs), dailyUsd: null };
    this.#eyes.see({ type: 'agent-started', job, running: this.#running.size, capacity: 1, ...means });
    this.#workers.start(this.#host, job);
  }

  publish(run: RunId, step: PublishStep, validMs: number): void {
    const running = this.#running.get(run);
    if (running === undefined) return;
    this.#eyes.see({ type: 'granted', run, step, untilMs: this.#eyes.nowMs() + validMs });
    this.#workers.publish(this.#host, running.job, step, validMs);
  }

  stop(run: RunId, reason: StopReason): void {
    const running = this.#running.get(run);
    if (running !== undefined) this.#workers.stop(this.#host, running.job, reason);
  }

  ended(): void {}

  aptitude(): Aptitude {
    return { noAccess: null, warm: false };
  }

  readLog(): Promise<{ readonly unavailable: string }> {
    return Promise.resolve({ unavailable: 'a simulated agent writes none' });
  }

  /** What has not ended until now is killed. */
  close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const run of this.#running.keys()) this.#eyes.see({ type: 'agent-ended', run, how: 'killed' });
    this.#running.clear();
    this.#workers.killed(this.#peer);
    return Promise.resolve();
  }

  get #host(): AgentHost {
    return {
      peer: this.#peer,
      clocks: readClocks,
      isAsleep: () => false,
      after: (ms, action) => {
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          action();
        }, ms);
        this.#timers.add(timer);
      },
      fetch: (_, resume) => resume(false),
      wentOn: () => {},
      // They work for nothing.
      spent: () => {},
      report: (run, report) => this.#report(run, report),
    };
  }

  /** There is nothing to save: what a checkpoint would hold is not made here. */
  #report(run: RunId, report: AgentReport): void {
    const running = this.#running.get(run);
    if (running === undefined || report.type === 'checkpoint') return;
    if (report.type === 'ready') {
      this.#eyes.see({ type: 'wants-grant', run, step: report.step });
    } else if (report.type !== 'progress') {
      this.#running.delete(run);
      this.#eyes.see({ type: 'agent-ended', run, how: report.type });
    }
    running.report(report);
  }
}
