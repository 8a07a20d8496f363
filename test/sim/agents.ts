import type { AgentReport, Aptitude, Job, PublishStep, StopReason } from '../../src/protocol/agent.ts';
import type { BlobId, Now, RunId } from '../../src/protocol/ids.ts';
import type { Repository } from '../../src/protocol/record.ts';
import type { Wanted } from './copies.ts';
import {
  type AgentScript,
  type PublishScript,
  publishesAtOnce,
  quickAgent,
  type StopScript,
  stopsAtOnce,
} from './script.ts';

/** What virtual agents need of the PC that they run on. */
export interface AgentHost {
  readonly peer: string;
  clocks(): Now;
  isAsleep(): boolean;
  /** By this PC's clock, while the process lives; if that is stopped then, once it goes on. */
  after(ms: number, action: () => void): void;
  /** The bytes of an earlier attempt's checkpoint, where somebody has them. */
  fetch(wanted: Wanted, resume: (isHere: boolean) => void): void;
  wentOn(run: RunId, blob: BlobId): void;
  /** The agent has cost so much more, in USD; what its core hears of it are the reports. */
  spent(run: RunId, usd: number): void;
  /** A checkpoint that is reported is on this PC. The end of a run is its last report. */
  report(run: RunId, report: AgentReport): void;
}

/** The agent side of all PCs: the contract of `AgentRunner`, in virtual time. */
export interface VirtualAgents {
  start(host: AgentHost, job: Job): void;
  publish(host: AgentHost, job: Job, step: PublishStep, validMs: number): void;
  stop(host: AgentHost, job: Job, reason: StopReason): void;
  /** The process is gone, and everything that it ran with it. */
  killed(peer: string): void;
  aptitude(peer: string, repository: Repository): Aptitude;
}

/** Agents that say what a test has written down for them. */
export class ScriptedAgents implements VirtualAgents {
  readonly #agent: AgentScript;
  readonly #publish: PublishScript;
  readonly #stop: StopScript;

  constructor(
    agent: AgentScript = quickAgent,
    publish: PublishScript = publishesAtOnce,
    stop: StopScript = stopsAtOnce,
  ) {
    this.#agent = agent;
    this.#publish = publish;
    this.#stop = stop;
  }

  start(host: AgentHost, job: Job): void {
    this.#say(host, job, this.#agent(job, host.peer));
  }

  publish(host: AgentHost, job: Job, step: PublishStep): void {
    const outcome = this.#publish(job, step, host.peer);
    if (outcome === null) return;
    const [afterMs, report] = outcome;
    host.after(afterMs, () => host.report(job.run, report));
  }

  stop(host: AgentHost, job: Job, reason: StopReason): void {
    this.#say(host, job, this.#stop(job, reason, host.peer));
  }

  killed(): void {}

  aptitude(): Aptitude {
    return { noAccess: null, warm: false };
  }

  #say(host: AgentHost, { run }: Job, reports: ReturnType<AgentScript>): void {
    let at = 0;
    for (const [afterMs, report] of reports) {
      at += afterMs;
      host.after(at, () => host.report(run, report));
    }
  }
}
