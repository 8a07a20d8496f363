import { randomUUID } from 'node:crypto';
import type { Job } from '../protocol/agent.ts';
import type { Executor, ExecutorEvent, ExecutorOutcome, RunLimits } from './executors/executor.ts';
import { goOnText, promptFor } from './prompt.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { Specialist } from './specialists/specialist.ts';
import type { Workspace } from './workspace.ts';

/** Enough for any issue, and an end for an agent that goes round in circles. */
const defaultTurns = 200;

export interface WorkParts {
  readonly job: Job;
  readonly workspace: Workspace;
  readonly executor: Executor;
  readonly specialist: Specialist;
  readonly sandbox: Sandbox;
  /** The beginning of the marks of this home's processes. */
  readonly markPrefix: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ExecutorEvent) => void;
}

/** What happens in an attempt's clone, from the agent's first word to its last. */
export class Work {
  readonly #parts: WorkParts;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  run(): Promise<ExecutorOutcome> {
    return this.#runAgent(this.#parts.job.checkpoint === null ? null : goOnText);
  }

  #runAgent(followUp: string | null): Promise<ExecutorOutcome> {
    const { job, workspace, executor, specialist, sandbox, markPrefix, signal, onEvent } = this.#parts;
    const { task, attempt } = job;
    return executor.run(
      {
        task,
        attempt,
        specialist,
        prompt: promptFor(task),
        followUp,
        limits: limitsOf(job),
        confine: (command, needs) => sandbox.confine(command, needs, workspace.places),
        cwd: workspace.cwd,
        folder: workspace.folder,
        sessionDir: workspace.sessionDir,
        mark: `${markPrefix}${randomUUID()}`,
        signal,
      },
      onEvent,
    );
  }
}

const limitsOf = ({ task: { body }, spendableUsd }: Job): RunLimits => ({
  wallMs: body.limits.wallMs,
  idleMs: body.limits.idleMs,
  turns: defaultTurns,
  costUsd: spendableUsd,
});
