import { describe, expect, it } from 'vitest';
import type { AgentReport } from '../../../src/protocol/agent.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { violations } from '../../sim/oracles.ts';
import { type AgentScript, draftOf, endlessAgent, readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import {
  leaderOf,
  names,
  others,
  outcomes,
  phaseAt,
  runOf,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
  workersOf,
} from './support.ts';

const costs = (costUsd: number): AgentReport => ({ type: 'progress', text: 'at work', costUsd });
const fails = (costUsd: number): AgentReport => ({ type: 'failed', reason: 'over its limit', final: false, costUsd });

const limitsWith = (budgetUsd: number) => ({ limits: { ...draftOf().limits, budgetUsd } });
const spendable = (world: World): readonly (number | null)[] => world.started.map(({ job }) => job.spendableUsd);
const earlier = (world: World): readonly number[] => world.started.map(({ job }) => job.earlierCostUsd);

describe('the budget of a task', () => {
  /** A task with a budget of a dollar, at work on a peer that does not lead it. */
  function atWork(agent: AgentScript) {
    for (let seed = 1; ; seed += 1) {
      const world = new World(
        names.map((name) => ({ name })),
        { seed, agent },
      );
      world.runFor(100);
      const task = submitted(world, world.submit('alpha', limitsWith(1)));
      const worker = workerOf(world, task);
      world.runFor(3_000);
      if (leaderOf(world, task) !== worker) return { world, task, worker };
    }
  }

  it('is that of all its attempts, those that lapsed included, and its end is the task’s', () => {
    const { world, task, worker } = atWork(({ attempt }) =>
      attempt === 1 ? [[500, costs(0.4)]] : [[500, fails(0.65)]],
    );
    world.kill(worker);
    untilPhase(world, task, 'failed', 20_000);
    const [witness = ''] = others(world, worker);
    const state = stateAt(world, witness, task);
    expect(spendable(world)).toEqual([1, 0.6]);
    expect(earlier(world)).toEqual([0, 0.4]);
    expect(outcomes(state)).toEqual(['lapsed', 'failed']);
    expect(state?.attempts.map(({ costUsd }) => costUsd)).toEqual([0.4, 0.65]);
    expect(state?.spentUsd).toBe(1.05);
    expect(state?.phase).toEqual({ name: 'failed', reason: 'its budget of $1.00 is spent: $1.05 so far' });
    world.runFor(30_000);
    expect(world.started).toHaveLength(2);
    expect(violations(world)).toEqual([]);
  });

  it('ends a task whose attempt has lapsed with all of it, before another one starts', () => {
    const { world, task, worker } = atWork(() => [[500, costs(1.2)]]);
    world.kill(worker);
    untilPhase(world, task, 'failed', 20_000);
    expect(world.started).toHaveLength(1);
  });

  it('counts what a worker had told before its leader and itself were lost', () => {
    const { world, task, worker } = atWork(({ attempt }) => (attempt === 1 ? [[500, costs(0.4)]] : []));
    world.runFor(6_000);
    const lost = [worker, leaderOf(world, task) ?? ''];
    for (const name of lost) world.kill(name);
    world.until('it goes on', () => world.started.length === 2, 30_000);
    expect(spendable(world)).toEqual([1, 0.6]);
  });

  it('does not keep from its end what is only to be published', () => {
    const agent: AgentScript = ({ attempt }) =>
      attempt === 1
        ? [
            [500, costs(1.2)],
            [5_000, readyToPush],
          ]
        : [[500, readyToPush]];
    const { world, task, worker } = atWork(agent);
    world.until('it is to be published', () => phaseAt(world, worker, task) === 'publishing');
    // Before its agent has heard of the grant.
    world.kill(worker);
    untilPhase(world, task, 'done', 60_000);
    expect(spendable(world)).toEqual([1, 0]);
    expect(outcomes(stateAt(world, others(world, worker)[0] ?? '', task))).toEqual(['lapsed', 'done']);
  });

  it('counts an attempt that was cancelled', () => {
    const { world, task } = atWork(() => [[500, costs(0.3)]]);
    world.reply(world.command('alpha', { type: 'cancel', task, reason: 'enough' }));
    untilPhase(world, task, 'cancelled');
    expect(stateAt(world, 'alpha', task)).toMatchObject({ spentUsd: 0.3, attempts: [{ costUsd: 0.3 }] });
  });

  it.each([Number.POSITIVE_INFINITY, 1e308, -1, Number.NaN])(
    'takes a cost of %d for none: what was told before counts',
    (costUsd) => {
      const { world, task, worker } = atWork(() => [
        [500, costs(0.3)],
        [500, costs(costUsd)],
        [500, { ...fails(0.3), costUsd, final: true } as AgentReport],
      ]);
      untilPhase(world, task, 'failed');
      expect(stateAt(world, 'alpha', task)).toMatchObject({ spentUsd: 0.3, attempts: [{ costUsd: 0.3 }] });
      expect(world.spend(worker).here.usd).toBe(0.3);
    },
  );

  it('takes the last word of an attempt whose end says nothing of its cost', () => {
    const { world, task } = atWork(() => [
      [500, costs(0.3)],
      [3_000, { type: 'progress', text: 'nearly there', costUsd: null }],
      [100, readyToPush],
    ]);
    untilPhase(world, task, 'done');
    expect(stateAt(world, 'alpha', task)?.attempts.map(({ costUsd }) => costUsd)).toEqual([0.3]);
  });
});

/** From the beginning of a world: 200 s. A real day is the same, and longer. */
const timing = { budgetDayMs: 600_000 };
const untilTomorrowMs = 200_000;
const electors = ['gamma', 'delta', 'epsilon'].map((name) => ({ name, capacity: 0 }));

describe('the daily budget of a peer', () => {
  /** On alpha, which has a dollar a day; beta comes later, and has no budget. */
  function onAlpha(tasks: number, agent: AgentScript = endlessAgent) {
    const alpha = { name: 'alpha', capacity: 2, dailyUsd: 1 };
    const world = new World([alpha, { name: 'beta', capacity: 2, later: true }, ...electors], { agent, timing });
    world.runFor(100);
    const ids = Array.from({ length: tasks }, () => submitted(world, world.submit('gamma')));
    world.until('at work', () => world.running('alpha').length === tasks);
    world.runFor(500);
    return { world, tasks: ids as unknown as readonly [TaskId, TaskId] };
  }
  const says = (world: World, task: TaskId, report: AgentReport, attempt = 1): void =>
    world.report('alpha', runOf(task, attempt), report);
  const spentOn = (world: World, name: string): number => world.spend(name).here.usd;

  it('counts each total for what it adds to the last, none twice', () => {
    const { world, tasks } = onAlpha(2);
    const [one, two] = tasks;
    for (const usd of [0.1, 0.25, 0.25, 0.2]) says(world, one, costs(usd));
    says(world, two, costs(0.05));
    expect(spentOn(world, 'alpha')).toBe(0.3);
    says(world, one, fails(0.3));
    says(world, two, { type: 'failed', reason: 'no', final: true, costUsd: null });
    expect(spentOn(world, 'alpha')).toBe(0.35);
  });

  it('is what attempts are given, and what is spent of it survives a restart', () => {
    const { world, tasks } = onAlpha(1);
    says(world, tasks[0], costs(0.4));
    world.kill('alpha');
    world.start('alpha');
    expect(spentOn(world, 'alpha')).toBe(0.4);
    world.until('it goes on', () => world.running('alpha').length === 1, 10_000);
    expect(spendable(world)).toEqual([1, 0.6]);
    says(world, tasks[0], costs(0.1), 2);
    expect(spentOn(world, 'alpha')).toBe(0.5);
  });

  it('leaves a task no more than its own', () => {
    const { world } = onAlpha(0);
    for (const usd of [0.25, 3]) submitted(world, world.submit('gamma', limitsWith(usd)));
    world.until('both are at work', () => world.running('alpha').length === 2);
    expect(spendable(world).toSorted()).toEqual([0.25, 1]);
  });

  it('once it is spent hands over all that runs, and the peer is back at midnight UTC', () => {
    const { world, tasks } = onAlpha(2);
    world.start('beta');
    world.runFor(2_000);
    const at = world.nowMs;
    says(world, tasks[0], costs(1.02));
    world.until('both go on elsewhere', () => world.running('beta').length === 2, 5_000);
    world.runFor(500);
    expect(world.stopped.map(({ peer, reason }) => [peer, reason])).toEqual([
      ['alpha', 'quota'],
      ['alpha', 'quota'],
    ]);
    for (const task of tasks) {
      expect(outcomes(stateAt(world, 'gamma', task))).toEqual(['quota', null]);
      expect(stateAt(world, 'gamma', task)).toMatchObject({ failures: 0, lapses: 0 });
    }
    expect(stateAt(world, 'gamma', tasks[0])?.spentUsd).toBe(1.02);
    const waiting = submitted(world, world.submit('gamma'));
    world.runFor(untilTomorrowMs - world.nowMs - 1_000);
    expect(world.task('gamma', waiting)?.stalled).toContain('quota (the daily budget of $1.00 is spent, until');
    world.until('it is taken', () => workersOf(world, waiting).includes('alpha'), 10_000);
    expect(world.nowMs).toBeGreaterThanOrEqual(untilTomorrowMs);
    expect(world.nowMs - at).toBeLessThan(untilTomorrowMs + 8_000);
    expect(spentOn(world, 'alpha')).toBe(0);
    expect(violations(world)).toEqual([]);
  });

  it('counts no failure where an attempt has failed for want of it alone', () => {
    const { world, tasks } = onAlpha(2);
    says(world, tasks[0], { type: 'failed', reason: 'the tests do not pass', final: false, costUsd: 0.4 });
    world.until('it is at work again', () => world.started.length === 3, 10_000);
    says(world, tasks[0], fails(0.61), 2);
    world.runFor(500);
    expect(spendable(world)[2]).toBe(0.6);
    expect(stateAt(world, 'gamma', tasks[0])?.failures).toBe(1);
    expect(outcomes(stateAt(world, 'gamma', tasks[0]))).toEqual(['failed', 'quota']);
  });

  it('is new at midnight, also for a run that goes on', () => {
    const { world, tasks } = onAlpha(1);
    says(world, tasks[0], costs(0.9));
    world.runFor(untilTomorrowMs - world.nowMs + 1_000);
    expect(spentOn(world, 'alpha')).toBe(0);
    says(world, tasks[0], costs(1.5));
    expect(spentOn(world, 'alpha')).toBe(0.6);
    expect(world.stopped).toEqual([]);
    world.kill('alpha');
    expect(world.stored('alpha').spend.map(({ usd }) => usd)).toEqual([0.9, 0.6]);
  });

  it('forgets days long past', () => {
    const { world, tasks } = onAlpha(1);
    for (const usd of [0.1, 0.2, 0.3, 0.4]) {
      says(world, tasks[0], costs(usd));
      world.runFor(timing.budgetDayMs);
    }
    says(world, tasks[0], costs(0.5));
    expect(world.stored('alpha').spend).toHaveLength(2);
  });
});

describe('the daily budget of the mesh', () => {
  const meshOf = (agent: AgentScript = endlessAgent): World => {
    const peers = ['alpha', 'beta'].map((name) => ({ name, meshDailyUsd: 1 }));
    return new World([...peers, ...electors], { agent, timing });
  };

  it('is spent by all together; then they start nothing more, and bring to its end what runs', () => {
    const world = meshOf();
    world.runFor(100);
    const tasks = ['gamma', 'delta'].map((name) => submitted(world, world.submit(name)));
    world.until('both are at work', () => world.started.length === 2);
    for (const { peer, job } of world.started) world.report(peer, job.run, costs(0.6));
    // Adverts lag: each has heard of the other's spend when its next one has come.
    world.runFor(16_000);
    expect(['alpha', 'beta', 'gamma'].map((name) => world.spend(name).meshUsd)).toEqual([1.2, 1.2, 1.2]);
    const waiting = submitted(world, world.submit('gamma'));
    world.runFor(6_000);
    expect(world.stopped).toEqual([]);
    expect(world.task('gamma', waiting)?.stalled).toContain(
      '2 × quota (the mesh has spent $1.20 of $1.00 today, until 2025-06-15T15:10Z)',
    );
    for (const { peer, job } of [...world.started]) world.report(peer, job.run, readyToPush);
    for (const task of tasks) untilPhase(world, task, 'done', 20_000);
    expect(world.started).toHaveLength(2);
    world.runFor(untilTomorrowMs - world.nowMs);
    world.until('it is taken', () => world.started.length === 3, 10_000);
  });

  it('counts what a peer has spent that is off by now', () => {
    const world = meshOf();
    world.runFor(100);
    const task = submitted(world, world.submit('gamma'));
    const worker = workerOf(world, task);
    world.report(worker, runOf(task, 1), costs(0.6));
    world.runFor(16_000);
    world.kill(worker);
    world.until('it goes on', () => world.started.length === 2, 10_000);
    const other = workerOf(world, task);
    expect(world.spend(other)).toMatchObject({ here: { usd: 0 }, meshUsd: 0.6 });
    world.report(other, runOf(task, 2), costs(0.5));
    expect(world.spend(other).meshUsd).toBe(1.1);
  });
});
