import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClosableAgentRunner, createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import type { Executor, ExecutorOutcome } from '../../../src/agents/executors/executor.ts';
import type { Job } from '../../../src/protocol/agent.ts';
import { waitFor } from '../../support/wait.ts';
import { PathForge } from '../path-forge.ts';
import { CheckpointFolderFiles, jobFor, makeRepository, Reports, taskFor, thisHost, useFolder } from '../support.ts';

const folder = useFolder();
let origin = '';
let runners: ClosableAgentRunner[] = [];

beforeEach(() => {
  origin = makeRepository(folder.path);
  runners = [];
});
afterEach(() => Promise.all(runners.map((runner) => runner.close())));

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

function start(executor: Executor, spendableUsd: number | null) {
  const runner = createAgentRunner({
    home: join(folder.path, 'home'),
    host: thisHost,
    executor,
    forgeFor: () => new PathForge(origin),
    files: new CheckpointFolderFiles(join(folder.path, 'checkpoints')),
    checkpointEveryMs: 600_000,
    specialists: { specialists: [], problems: [] },
  });
  runners.push(runner);
  const reports = new Reports();
  const job: Job = { ...jobFor(taskFor(origin)), spendableUsd };
  runner.start(job, reports.take);
  return { runner, reports, job };
}

test('what an agent costs is told as it comes, though it says nothing, and when it is stopped', async () => {
  const { runner, reports, job } = start(dear(untilStopped), null);
  await waitFor('the cost', () => reports.of('progress').some(({ costUsd }) => costUsd === 1));
  runner.stop(job.run, 'quota');
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
