import { describe, expect, it } from 'vitest';
import { violations } from '../../sim/oracles.ts';
import { readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import {
  electorsOf,
  firstTask,
  five,
  leaderOf,
  names,
  others,
  outcomes,
  runOf,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
  workersOf,
} from './support.ts';

/** A task at work whose leader is not its worker: seeds are tried until the bids fall so. */
function atWork(options: { readonly apart: boolean; readonly workMs?: number }) {
  for (let seed = 1; ; seed += 1) {
    const { workMs } = options;
    const world = new World(five, { seed, agent: () => (workMs === undefined ? [] : [[workMs, readyToPush]]) });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.runFor(1_500);
    const leader = leaderOf(world, task);
    if (leader !== null && (leader !== worker) === options.apart) return { world, task, worker, leader };
  }
}

describe('who leads', () => {
  it('is the first in rank, and after it the next', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed, agent: () => [] });
      const task = firstTask(world);
      world.runFor(1_000);
      const electors = electorsOf(world, task);
      expect(leaderOf(world, task), `seed ${seed}`).toBe(electors[0]);
      world.kill(electors[0] ?? '');
      world.until('another leads', () => ![null, electors[0]].includes(leaderOf(world, task)), 6_000);
      expect(leaderOf(world, task), `seed ${seed}`).toBe(electors[1]);
    }
  });

  it('is nobody while a task only waits', () => {
    const world = new World(five);
    world.runFor(100);
    const requires = { specialties: ['frontend'], explicit: true, reason: 'asked for' };
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => names.every((name) => world.task(name, task)?.stalled !== null), 10_000);
    world.runFor(60_000);
    expect(leaderOf(world, task)).toBeNull();
    const wins = world.events.filter(({ event }) => event.type === 'lease' && event.change === 'won');
    expect(wins).toHaveLength(1);
  });
});

describe('when the leader is killed', () => {
  it('another leads within its lease, and the same run goes on', () => {
    const { world, task, worker, leader } = atWork({ apart: true, workMs: 15_000 });
    const killedAt = world.nowMs;
    world.kill(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)));
    expect(world.nowMs - killedAt).toBeLessThan(4_400 + 600);
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
    expect(outcomes(stateAt(world, worker, task))).toEqual(['done']);
    expect(stateAt(world, worker, task)).toMatchObject({ lapses: 0, failures: 0, attemptsStarted: 1 });
  });

  it('again and again, as long as a majority of the electors lives, the run still goes on', () => {
    const { world, task, worker, leader } = atWork({ apart: true, workMs: 25_000 });
    world.kill(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)));
    world.runFor(1_000);
    const second = leaderOf(world, task) ?? '';
    if (second === worker) return;
    world.kill(second);
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
  });

  it('together with its worker, the next attempt starts when the lease has run out', () => {
    const { world, task, worker } = atWork({ apart: false });
    const killedAt = world.nowMs;
    world.kill(worker);
    world.until('it goes on elsewhere', () => workersOf(world, task).length === 1);
    expect(world.nowMs - killedAt).toBeLessThan(4_400 + 2_000);
    expect(outcomes(stateAt(world, workerOf(world, task), task))).toEqual(['lapsed', null]);
  });
});

describe('among electors that are slow to answer', () => {
  /** Each pair is slowed both ways, and by both of its ends. */
  it.each([100, 300, 500])('somebody leads all the same, with up to twice %i ms each way', (slowMs) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = new World(five, { seed, agent: () => [] });
      const task = firstTask(world);
      workerOf(world, task);
      const leader = leaderOf(world, task) ?? '';
      world.cut(names, names, { slowMs });
      world.kill(leader);
      const leads = (): boolean => ![null, leader].includes(leaderOf(world, task));
      world.until(`another leads, seed ${seed}`, leads, 30_000);
    }
  });
});

describe('an attempt that ends while nobody leads', () => {
  it('is told to the next leader, and counted as what it was', () => {
    const { world, task, worker, leader } = atWork({ apart: true });
    world.kill(leader);
    world.runFor(1_000);
    world.report(worker, runOf(task, 1), { type: 'failed', reason: 'no', final: false, costUsd: 2 });
    world.until('it goes on', () => world.started.length === 2, 10_000);
    world.runFor(100);
    expect(outcomes(stateAt(world, worker, task))).toEqual(['failed', null]);
    expect(stateAt(world, worker, task)?.attempts[0]?.costUsd).toBe(2);
  });
});

describe('a leader whose machine slept', () => {
  it('holds nothing any more, and the run goes on', () => {
    const { world, task, leader } = atWork({ apart: true, workMs: 15_000 });
    world.input(leader, { type: 'woke', lostMs: 60_000 });
    expect(leaderOf(world, task)).toBeNull();
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
  });
});

describe('a leader that stands still for longer than its lease', () => {
  it('is followed by another, and writes nothing when it wakes', () => {
    const { world, task, worker, leader } = atWork({ apart: true, workMs: 20_000 });
    world.pause(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)));
    const successor = leaderOf(world, task) ?? '';
    const wokeAt = world.nowMs + 2_000;
    world.runFor(2_000);
    world.resume(leader);
    world.runFor(3_000);
    const writes = world.sent.filter(
      ({ at, from, message }) => at >= wokeAt && from === leader && message.type === 'accept',
    );
    expect(writes).toEqual([]);
    expect(leaderOf(world, task)).toBe(successor);
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
    expect(workersOf(world, task)).toEqual([]);
    expect(worker).not.toBe(leader);
  });

  it('between a renewal and its answers believes no longer for that', () => {
    const { world, task, leader } = atWork({ apart: true });
    const from = world.nowMs;
    world.until('it renews', () =>
      world.sent.some(({ at, from: by, message }) => at > from && by === leader && message.type === 'accept'),
    );
    world.pause(leader);
    world.runFor(3_900);
    world.cut([leader], others(world, leader));
    world.resume(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)));
    expect(violations(world)).toEqual([]);
  });

  it('leads on when it was away for less', () => {
    const { world, task, leader } = atWork({ apart: true, workMs: 20_000 });
    world.pause(leader);
    world.runFor(2_500);
    world.resume(leader);
    world.runFor(5_000);
    expect(leaderOf(world, task)).toBe(leader);
    untilPhase(world, task, 'done');
    expect(world.started).toHaveLength(1);
  });
});

describe('on the side of a cut without a majority', () => {
  it('no attempt starts (I6), and the other side goes on', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed, agent: () => [] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.runFor(500);
      const minority = [worker, others(world, worker)[seed % 4] ?? ''];
      const majority = others(world, ...minority);
      world.cut(minority, majority);
      const cutAt = world.nowMs;
      world.until('the majority goes on', () => majority.some((name) => world.running(name).length > 0), 20_000);
      world.runFor(20_000);
      const late = world.started.filter(({ at }) => at > cutAt).map(({ peer }) => peer);
      expect(
        late.filter((name) => minority.includes(name)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(late, `seed ${seed}`).toHaveLength(1);
    }
  });
});
