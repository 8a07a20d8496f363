import { describe, expect, it } from 'vitest';
import type { AgentReport } from '../../../src/protocol/agent.ts';
import { readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import {
  firstTask,
  five,
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

/** A task at work whose worker does not lead it; with `leads` it does. */
function atWork(agent: AgentReport | null = null, workMs = 15_000, capacity = 1, leads = false) {
  for (let seed = 1; ; seed += 1) {
    const specs = five.map((spec) => ({ ...spec, capacity }));
    const world = new World(specs, { seed, agent: () => (agent === null ? [] : [[workMs, agent]]) });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.runFor(1_500);
    if ((leaderOf(world, task) === worker) === leads) return { world, task, worker };
  }
}

describe('a worker that is killed', () => {
  it('is followed by the next attempt as soon as its redial was refused', () => {
    const { world, task, worker } = atWork();
    const killedAt = world.nowMs;
    world.kill(worker);
    world.until('it goes on elsewhere', () => workersOf(world, task).length === 1);
    expect(world.nowMs - killedAt).toBeGreaterThanOrEqual(300);
    expect(world.nowMs - killedAt).toBeLessThan(600);
    world.runFor(100);
    expect(outcomes(stateAt(world, workerOf(world, task), task))).toEqual(['lapsed', null]);
  });

  it('and started again at once lapses at once: its agent is gone', () => {
    const { world, task, worker } = atWork();
    const killedAt = world.nowMs;
    world.kill(worker);
    world.start(worker);
    world.until('it goes on', () => world.started.length === 2);
    expect(world.nowMs - killedAt).toBeLessThan(600);
    world.until(
      'all know',
      () => names.every((name) => outcomes(stateAt(world, name, task)).includes('lapsed')),
      1_000,
    );
  });

  it('five times in a row ends the task as failed', () => {
    const { world, task } = atWork();
    for (let lapse = 1; lapse <= 5; lapse += 1) {
      const worker = workerOf(world, task, 12_000);
      world.runFor(1_000);
      world.kill(worker);
      world.until('lapsed', () => names.some((name) => (stateAt(world, name, task)?.lapses ?? 0) >= lapse), 15_000);
      world.start(worker);
    }
    untilPhase(world, task, 'failed', 10_000);
    expect(stateAt(world, 'alpha', task)?.phase).toMatchObject({
      reason: expect.stringContaining('5 attempts lapsed') as string,
    });
    world.runFor(20_000);
    expect(world.started).toHaveLength(5);
  });
});

describe('a worker that stands still', () => {
  it('lapses after five seconds without a heartbeat, and stops its agent when it returns', () => {
    const { world, task, worker } = atWork();
    const pausedAt = world.nowMs;
    world.pause(worker);
    world.until('it goes on elsewhere', () => world.started.length === 2);
    expect(world.nowMs - pausedAt).toBeGreaterThan(4_000);
    expect(world.nowMs - pausedAt).toBeLessThan(6_000);
    expect(workersOf(world, task)).toContain(worker);
    world.resume(worker);
    world.until('its agent is stopped', () => !workersOf(world, task).includes(worker), 1_000);
    expect(world.stopped.map(({ peer, run, reason }) => [peer, run, reason])).toEqual([
      [worker, runOf(task, 1), 'superseded'],
    ]);
    world.runFor(20_000);
    expect(workersOf(world, task)).toHaveLength(1);
  });

  it.each([
    [false, /^no heartbeat for 5\.\d s$/],
    // Its successor cannot tell how long it had been silent before.
    [true, /^no answer to its new leader for 1\.\d s$/],
  ])('lapses with what has not come (it led the task: %s)', (leads, reason) => {
    const { world, task, worker } = atWork(null, 15_000, 1, leads);
    world.pause(worker);
    const witness = others(world, worker)[0] ?? '';
    const lapsed = () => stateAt(world, witness, task)?.attempts[0]?.outcome ?? null;
    world.until('lapsed', () => lapsed() !== null, 20_000);
    expect(lapsed()).toEqual({ type: 'lapsed', reason: expect.stringMatching(reason) });
  });

  it('keeps its attempt when it is back sooner', () => {
    const { world, task, worker } = atWork(readyToPush);
    world.pause(worker);
    world.runFor(3_500);
    world.resume(worker);
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
  });

  it('keeps its attempt when it is back late, but before anybody else could take it', () => {
    const { world, task, worker } = atWork(readyToPush, 25_000);
    // Nobody bids: every other peer takes a task of its own first.
    for (const name of others(world, worker)) submitted(world, world.submit(name));
    world.until('all are busy', () => names.every((name) => world.running(name).length === 1));
    world.pause(worker);
    world.runFor(8_000);
    expect(world.started).toHaveLength(5);
    world.resume(worker);
    untilPhase(world, task, 'done');
    expect(stateAt(world, 'alpha', task)).toMatchObject({ attemptsStarted: 1 });
  });

  it('and cannot be reached keeps working, and keeps its attempt when it can', () => {
    const { world, task, worker } = atWork(readyToPush, 12_000);
    world.cut([worker], others(world, worker));
    world.runFor(3_000);
    world.heal();
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
  });
});

describe('an agent that fails', () => {
  it('three times ends the task as failed', () => {
    const world = new World(five, {
      agent: () => [[500, { type: 'failed', reason: 'the tests do not pass', final: false, costUsd: 0.5 }]],
    });
    const task = firstTask(world);
    untilPhase(world, task, 'failed', 20_000);
    const state = stateAt(world, 'beta', task);
    expect(outcomes(state)).toEqual(['failed', 'failed', 'failed']);
    expect(state?.attempts.map(({ costUsd }) => costUsd)).toEqual([0.5, 0.5, 0.5]);
    expect(state?.phase).toEqual({ name: 'failed', reason: 'the tests do not pass' });
  });

  it('for good ends it at once', () => {
    const world = new World(five, {
      agent: () => [[500, { type: 'failed', reason: 'the branch is taken', final: true, costUsd: null }]],
    });
    const task = firstTask(world);
    untilPhase(world, task, 'failed', 20_000);
    expect(world.started).toHaveLength(1);
  });

  it('for want of quota hands its work over, and its peer offers again when the quota is back', () => {
    let runs = 0;
    const world = new World(five.slice(0, 2), {
      agent: () => {
        runs += 1;
        const until = (1_750_000_000_000 + 60_000) as never;
        return runs === 1 ? [[500, { type: 'quota', until, reason: 'session limit', costUsd: null }]] : [];
      },
    });
    const task = firstTask(world);
    const first = workerOf(world, task);
    world.until('handed over', () => world.started.length === 2);
    const second = workerOf(world, task);
    expect(second).not.toBe(first);
    world.runFor(100);
    expect(stateAt(world, first, task)).toMatchObject({ failures: 0, lapses: 0, attemptsStarted: 2 });
    const waiting = submitted(world, world.submit(second));
    world.runFor(30_000);
    expect(world.task(second, waiting)?.stalled).toContain('quota (session limit, until 2025-06-15T15:08Z)');
    world.until('quota is back', () => workersOf(world, waiting).length === 1, 40_000);
    expect(workersOf(world, waiting)).toEqual([first]);
    expect(phaseAt(world, first, task)).toBe('assigned');
  });
});
