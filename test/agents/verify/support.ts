import { beforeEach } from 'vitest';
import type { Executor } from '../../../src/agents/executors/executor.ts';
import type { VerifySettings } from '../../../src/agents/verify/choose.ts';
import type { Job } from '../../../src/protocol/agent.ts';
import type { TaskBody } from '../../../src/protocol/record.ts';
import { type Attempt, usePc } from '../pc.ts';
import { jobFor } from '../support.ts';

interface Start {
  readonly executor: string | Executor;
  readonly body?: Partial<TaskBody>;
  readonly settings?: Partial<VerifySettings>;
  readonly job?: Partial<Job>;
}

/** A PC whose agents may mend what fails twice, and whose results are pull requests. */
export function useVerify() {
  const pc = usePc();
  beforeEach(() => pc.opensPullRequests());
  const start = ({ executor, body, settings, job }: Start): Attempt =>
    pc.start(executor, { ...jobFor(pc.task(body)), ...job }, { verify: { commands: {}, rounds: 2, ...settings } });
  return { pc, start };
}

/** What a task's result says in its last commit. */
export const verifyTrailer = 'Mesh-Verify';

/** Counts an agent's runs as `$n`, in a file beside the clone. */
export const counted = 'n=$(cat ../agent/runs 2>/dev/null || echo 0); n=$((n + 1)); echo $n > ../agent/runs;';
