import { describe, expect, it } from 'vitest';
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

const drain = (world: World, name: string): string => world.command(name, { type: 'drain' });

describe('a peer that drains', () => {
  it('hands its attempt over, not counted, and is drained in much less than a second', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed, agent: () => [] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.runFor(1_000);
      expect(world.reply(drain(world, worker), 500), `seed ${seed}`).toEqual({ type: 'drained' });
      expect(world.stopped).toMatchObject([{ peer: worker, run: runOf(task, 1), reason: 'draining' }]);
      world.exit(worker);
      world.until('it goes on', () => workersOf(world, task).length === 1, 6_000);
      const next = workerOf(world, task);
      expect(next, `seed ${seed}`).not.toBe(worker);
      world.runFor(200);
      expect(outcomes(stateAt(world, next, task)), `seed ${seed}`).toEqual(['drained', null]);
      expect(stateAt(world, next, task)).toMatchObject({ lapses: 0, failures: 0 });
    }
  });

  it('gives its leases to the next in rank at once, and the run of another goes on', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed, agent: () => [[8_000, readyToPush]] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.runFor(1_000);
      const leader = leaderOf(world, task) ?? '';
      if (leader === worker) continue;
      const drainedAt = world.nowMs;
      world.reply(drain(world, leader), 500);
      world.exit(leader);
      world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)), 2_000);
      expect(world.nowMs - drainedAt, `seed ${seed}`).toBeLessThan(1_500);
      untilPhase(world, task, 'done');
      expect(world.started, `seed ${seed}`).toHaveLength(1);
    }
  });

  it('declines from then on, with that reason', () => {
    const world = new World(five.slice(0, 2));
    world.runFor(100);
    world.reply(drain(world, 'beta'));
    const task = submitted(world, world.submit('alpha'));
    untilPhase(world, task, 'done');
    expect(world.started.map(({ peer }) => peer)).toEqual(['alpha']);
    const answers = world.task('alpha', task)?.answers.map(({ peer, answer }) => [world.nameOf(peer), answer]);
    expect(answers?.[1]).toMatchObject(['beta', { type: 'decline', reason: 'draining' }]);
  });

  it('is drained at once when it does nothing, and within its time when nobody can take its work', () => {
    const world = new World(five, { agent: () => [] });
    world.runFor(100);
    expect(world.reply(drain(world, 'alpha'), 10)).toEqual({ type: 'drained' });
    const task = submitted(world, world.submit('beta'));
    const worker = workerOf(world, task);
    world.runFor(1_000);
    for (const name of others(world, worker)) world.kill(name);
    const askedAt = world.nowMs;
    expect(world.reply(drain(world, worker), 9_000)).toEqual({ type: 'drained' });
    expect(world.nowMs - askedAt).toBeLessThanOrEqual(8_010);
    expect(world.running(worker)).toEqual([]);
  });

  it('alone hands over to nobody, and goes on after its next start', () => {
    const world = new World(five.slice(0, 1), { agent: () => [[2_000, readyToPush]] });
    const task = firstTask(world);
    workerOf(world, task);
    world.runFor(500);
    expect(world.reply(drain(world, 'alpha'), 500)).toEqual({ type: 'drained' });
    world.exit('alpha');
    world.runFor(1_000);
    world.start('alpha');
    untilPhase(world, task, 'done', 20_000);
    expect(outcomes(stateAt(world, 'alpha', task))).toEqual(['drained', 'done']);
  });

  it('one after another leaves the work to the last majority', () => {
    const world = new World(five, { agent: () => [[20_000, readyToPush]] });
    const task = firstTask(world);
    for (const _ of [1, 2]) {
      const worker = workerOf(world, task, 12_000);
      world.runFor(1_000);
      world.reply(drain(world, worker), 8_100);
      world.exit(worker);
    }
    untilPhase(world, task, 'done');
    const left = names.filter((name) => world.isUp(name));
    expect(left).toHaveLength(3);
    expect(left.map((name) => phaseAt(world, name, task))).toEqual(['done', 'done', 'done']);
  });
});
