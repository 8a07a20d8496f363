import type { AgentReport, AgentRunner, Aptitude, Job } from '../../../src/protocol/agent.ts';
import type { CommitId, RunId } from '../../../src/protocol/ids.ts';

/** What an agent is going to do. */
export interface Script {
  readonly workMs: number;
  readonly fails: boolean;
}

export interface RunnerEvents {
  onStart(job: Job): void;
  onEnd(job: Job, how: string): void;
}

interface Running {
  readonly job: Job;
  readonly report: (report: AgentReport) => void;
  readonly timer: NodeJS.Timeout;
}

const pushMs = 50;

/** Agents that take their time and do nothing: what is watched is the mesh around them. */
export class ScriptedRunner implements AgentRunner {
  readonly #running = new Map<RunId, Running>();
  readonly #script: (job: Job) => Script;
  readonly #events: RunnerEvents;

  constructor(script: (job: Job) => Script, events: RunnerEvents) {
    this.#script = script;
    this.#events = events;
  }

  start(job: Job, report: (report: AgentReport) => void): void {
    const { workMs, fails } = this.#script(job);
    const timer = setTimeout(() => {
      if (fails) return this.#end(job.run, { type: 'failed', reason: 'as scripted', final: false, costUsd: null });
      report({ type: 'ready', step: 'push', commit: job.task.id.slice(0, 40) as CommitId, expectedTip: null });
    }, workMs);
    this.#running.set(job.run, { job, report, timer });
    this.#events.onStart(job);
  }

  publish(run: RunId): void {
    const result = { branch: 'simulated', commit: null, pullRequest: null };
    setTimeout(() => this.#end(run, { type: 'published', result, costUsd: null }), pushMs);
  }

  stop(run: RunId): void {
    setImmediate(() => this.#end(run, { type: 'stopped' }));
  }

  aptitude(): Aptitude {
    return { noAccess: null, warm: false };
  }

  readLog(): Promise<{ readonly unavailable: string }> {
    return Promise.resolve({ unavailable: 'a simulated agent writes none' });
  }

  close(): Promise<void> {
    for (const run of this.#running.keys()) this.#end(run, { type: 'stopped' });
    return Promise.resolve();
  }

  #end(run: RunId, report: AgentReport): void {
    const running = this.#running.get(run);
    if (running === undefined) return;
    this.#running.delete(run);
    clearTimeout(running.timer);
    this.#events.onEnd(running.job, report.type === 'published' ? 'done' : report.type);
    running.report(report);
  }
}
