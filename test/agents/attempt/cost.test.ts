import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Executor, ExecutorOutcome } from '../../../src/agents/executors/executor.ts';
import { waitFor } from '../../support/wait.ts';
import { type Attempt, usePc } from '../pc.ts';
import { jobFor } from '../support.ts';

const pc = usePc();

/** An agent that writes a file, has cost a dollar by then, and ends so. */
const dear = (outcome: (signal: AbortSignal) => Promise<ExecutorOutcome>): Executor => ({
  name: 'dear',
  session: null,
  usable: async () => ({ usable: true }),
  run: async ({ cwd, signal }, onEvent) => {
    writeFileSync(join(cwd, 'b.txt'), 'half of it');
    onEvent({ type: 'usage', inputTokens: 1, outputTokens: 1, costUsd: 1 });
    return outcome(signal);
  },
});
const untilStopped = (signal: AbortSignal): Promise<ExecutorOutcome> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve({ type: 'interrupted' })));
const overLimit = async (): Promise<ExecutorOutcome> => ({ type: 'failed', reason: 'over its limit' });

const start = (executor: Executor, spendableUsd: number | null): Attempt =>
  pc.start(executor, { ...jobFor(pc.task()), spendableUsd });

test('what an agent costs is told as it comes, though it says nothing, and when it is stopped', async () => {
  const { agents, reports, job } = start(dear(untilStopped), null);
  await waitFor('the cost', () => reports.of('progress').some(({ costUsd }) => costUsd === 1));
  agents.stop(job.run, 'quota');
  expect(await reports.wait('stopped')).toEqual({ type: 'stopped', costUsd: 1 });
  expect(reports.of('checkpoint')).toHaveLength(1);
});

test.each([
  [1, 1],
  [2, 0],
])('with $%s to spend, what fails at a cost of $1 is saved %s times', async (spendableUsd, checkpoints) => {
  const { reports } = start(dear(overLimit), spendableUsd);
  expect(await reports.wait('failed')).toMatchObject({ final: false, costUsd: 1 });
  expect(reports.of('checkpoint')).toHaveLength(checkpoints);
});

test('with nothing to spend no agent is started', async () => {
  const { reports } = start(dear(overLimit), 0);
  expect(await reports.wait('failed')).toMatchObject({ final: true, costUsd: null });
});
