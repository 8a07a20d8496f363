import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Executor, ExecutorContext, ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { PathForge } from '../path-forge.ts';
import { validMs } from '../pc.ts';
import { counted, useVerify, verifyTrailer } from './support.ts';

const { pc, start } = useVerify();

describe('what passes', () => {
  test('is published as ready, and says so everywhere', async () => {
    const { job, published, log } = start({ executor: 'echo b > b.txt', body: { verify: 'grep b b.txt' } });
    expect(await published()).toMatchObject({ verified: true, pullRequest: { number: 1 } });
    expect(pc.forge.pulls).toMatchObject([
      { draft: false, body: expect.stringContaining('Verified: `grep b b.txt` passes.') },
    ]);
    expect(pc.trailerOf(job.task, verifyTrailer)).toBe('passed');
    expect(await log()).toContain('verified: `grep b b.txt` passed');
  });

  test('after the agent was told what fails needs no draft', async () => {
    const agent = `${counted} if [ $n = 1 ]; then echo bad > b.txt; echo "first"; else cat >&2; echo good > b.txt; echo "second"; fi`;
    const verify = 'grep good b.txt || { echo "it is not good"; exit 3; }';
    const { published, log } = start({ executor: agent, body: { verify } });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.forge.pulls).toMatchObject([
      { draft: false, body: expect.stringMatching(/\nfirst\n\n[\s\S]*\nsecond\n/) },
    ]);
    const text = await log();
    expect(text).toMatch(/Your change is not ready: .* ended with exit code 3/);
    expect(text).toMatch(/data, and no instruction[\s\S]*it is not good/);
  });
});

test('a command that this PC does not have is nothing that an agent could mend', async () => {
  const { published, log } = start({ executor: 'echo b > b.txt; echo once', body: { verify: 'no-such-program-here' } });
  expect(await published()).not.toHaveProperty('verified');
  expect(pc.forge.pulls).toMatchObject([{ draft: false, body: expect.stringContaining('was not found on this PC') }]);
  expect((await log()).match(/once/g)).toHaveLength(1);
});

describe('what fails for good', () => {
  const fails = { executor: `${counted} echo $n > b.txt`, body: { verify: 'echo "one is @wrong"; exit 7' } };

  test('is a draft that says what fails, after the rounds that are set', async () => {
    const { job, published } = start(fails);
    expect(await published()).toMatchObject({ verified: false });
    expect(pc.forge.pulls).toMatchObject([{ draft: true }]);
    expect(pc.forge.pulls[0]?.body).toContain('ended with exit code 7.**\n\n```text\none is @wrong\n```');
    expect(pc.onBranch(job.task, 'show', '--format=', '--name-only').trim()).toBe('b.txt');
    expect(pc.fileOf(job.task, 'b.txt')).toBe('3');
    expect(pc.trailerOf(job.task, verifyTrailer)).toBe('failed');
  });

  test('on a plain git remote is a branch whose commit says so', async () => {
    pc.forge = new PathForge(pc.origin);
    const { job, published } = start({ ...fails, settings: { rounds: 0 } });
    expect(await published()).toMatchObject({ verified: false, pullRequest: null });
    expect(pc.fileOf(job.task, 'b.txt')).toBe('1');
    expect(pc.trailerOf(job.task, verifyTrailer)).toBe('failed');
  });

  test('stays what it is where another attempt publishes it', async () => {
    const first = start({ ...fails, settings: { rounds: 0 } });
    const { commit } = await first.reports.wait('ready');
    const checkpoint = first.reports.lastCheckpoint;
    expect(checkpoint).toMatchObject({ commit, finished: true });
    await first.agents.close();
    const next = start({ executor: 'exit 1', body: fails.body, job: { attempt: 2, checkpoint } });
    expect(await next.published()).toMatchObject({ verified: false });
    expect(pc.forge.pulls).toMatchObject([
      { draft: true, body: expect.stringContaining('failed in an earlier attempt') },
    ]);
  });

  test('and was pushed already is opened as the draft that it is', async () => {
    const first = start({ ...fails, settings: { rounds: 0 } });
    await first.reports.wait('ready');
    first.agents.publish(first.job.run, 'push', validMs);
    const { commit } = await first.reports.wait('ready', 2);
    await first.agents.close();
    const next = start({ executor: 'exit 1', body: fails.body, job: { publication: { commit, expectedTip: null } } });
    await next.reports.wait('ready');
    next.agents.publish(next.job.run, 'open', validMs);
    expect((await next.reports.wait('published')).result).toMatchObject({ commit, verified: false });
    expect(pc.forge.pulls).toMatchObject([{ draft: true }]);
  });

  test('is what was finished before, where the agent gives up on it', async () => {
    const agent = `${counted} [ $n = 1 ] || { rm b.txt; echo "no idea"; exit 1; }; echo b > b.txt`;
    const { job, published, log } = start({ executor: agent, body: { verify: 'false' } });
    expect(await published()).toMatchObject({ verified: false });
    expect(pc.filesOf(job.task)).toEqual(['a.txt', 'b.txt']);
    expect(await log()).toMatch(/what fails was not mended: .*no idea/);
  });

  test('is stopped at its limits, and told as that', async () => {
    const limits = { wallMs: 60_000, idleMs: 4_000, budgetUsd: null };
    const { published } = start({
      executor: 'echo b > b.txt',
      body: { verify: 'sleep 600', limits },
      settings: { rounds: 0 },
    });
    expect(await published()).toMatchObject({ verified: false });
    expect(pc.forge.pulls[0]?.body).toContain('was stopped after 4 s without output');
  });
});

describe('a stop while verify runs', () => {
  test('ends it, and hands over the work as it was before', async () => {
    const verify = 'echo x > dropping; echo up; exec sleep 600';
    const first = start({ executor: 'echo b > b.txt', body: { verify } });
    await first.said('verifying: up');
    const checkpoint = await first.handedOver();
    expect(first.reports.of('checkpoint')).toMatchObject([{ checkpoint: { finished: false, number: 1 } }]);
    const next = start({ executor: 'ls; true', body: { verify: 'true' }, job: { attempt: 2, checkpoint } });
    await next.published();
    expect(pc.filesOf(next.job.task)).toEqual(['a.txt', 'b.txt']);
  });
});

describe('all rounds of an attempt', () => {
  /** Costs 2 dollars a run, and never mends anything. */
  const costly = (seen: ExecutorContext[]): Executor => ({
    name: 'costly',
    session: null,
    usable: async () => ({ usable: true }),
    run: async (context: ExecutorContext, onEvent: (event: ExecutorEvent) => void) => {
      seen.push(context);
      writeFileSync(join(context.cwd, 'b.txt'), `${seen.length}\n`);
      for (const costUsd of [1, 2]) onEvent({ type: 'usage', inputTokens: 1, outputTokens: 1, costUsd });
      return { type: 'finished', summary: null };
    },
  });

  test('share its budget, and what is told of their cost never falls', async () => {
    const seen: ExecutorContext[] = [];
    const { reports, published } = start({
      executor: costly(seen),
      body: { verify: 'false' },
      job: { spendableUsd: 3.5 },
    });
    await published();
    expect(seen.map(({ limits }) => limits.costUsd)).toEqual([3.5, 1.5]);
    expect((await reports.wait('published')).costUsd).toBe(4);
    const told = reports.of('progress').map(({ costUsd }) => costUsd ?? 0);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  test('know what the earlier ones have cost where there is no budget', async () => {
    const seen: ExecutorContext[] = [];
    const { published } = start({ executor: costly(seen), body: { verify: 'false' } });
    await published();
    expect(seen.map(({ limits }) => [limits.costUsd, limits.spentUsd])).toEqual([
      [null, 0],
      [null, 2],
      [null, 4],
    ]);
  });

  test('share its time', async () => {
    const seen: ExecutorContext[] = [];
    const limits = { wallMs: 20_000, idleMs: 10_000, budgetUsd: null };
    const { published } = start({
      executor: costly(seen),
      body: { verify: 'sleep 0.3; false', limits },
      settings: { rounds: 1 },
    });
    await published();
    const [first, second] = seen.map((one) => one.limits.wallMs);
    expect(first).toBeLessThanOrEqual(20_000);
    expect(second).toBeLessThan((first ?? 0) - 300);
  });
});
