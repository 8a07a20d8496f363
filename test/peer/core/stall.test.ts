import { describe, expect, it } from 'vitest';
import { readyToPush } from '../../sim/script.ts';
import { peerIdOf, World } from '../../sim/world.ts';
import {
  electorsOf,
  firstTask,
  five,
  leaderOf,
  names,
  others,
  phaseAt,
  submitted,
  untilPhase,
  workerOf,
} from './support.ts';

const requires = { specialties: ['frontend'], explicit: true, reason: 'asked for' };
const stallAt = (world: World, name: string, task: Parameters<World['task']>[1]): string | null =>
  world.task(name, task)?.stalled ?? null;

describe('a task that no peer can take', () => {
  it('is stalled after five seconds, with the reasons, on every peer', () => {
    const world = new World(five);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { requires }));
    const askedAt = world.nowMs;
    world.until('stalled', () => names.every((name) => stallAt(world, name, task) !== null), 10_000);
    expect(world.nowMs - askedAt).toBeLessThan(6_000);
    expect(names.map((name) => stallAt(world, name, task))).toEqual(names.map(() => '5 × requires (frontend)'));
    expect(leaderOf(world, task)).toBeNull();
  });

  it('costs nothing while it waits', () => {
    const world = new World(five);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => names.every((name) => stallAt(world, name, task) !== null), 10_000);
    world.runFor(1_000);
    const from = world.nowMs;
    world.runFor(60_000);
    const types = new Set(world.sent.filter(({ at }) => at > from).map(({ message }) => message.type));
    expect([...types]).toEqual(['sync-root']);
  });

  it('is taken by a peer that starts later and can', () => {
    const world = new World([...five, { name: 'zeta', specialties: ['frontend'], later: true }]);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => names.every((name) => stallAt(world, name, task) !== null), 10_000);
    world.runFor(30_000);
    world.start('zeta');
    const startedAt = world.nowMs;
    expect(workerOf(world, task, 2_000)).toBe('zeta');
    expect(world.nowMs - startedAt).toBeLessThan(1_000);
    untilPhase(world, task, 'done');
    expect(stallAt(world, 'alpha', task)).toBeNull();
  });

  it('is taken when the one that can is free again, though it had been busy for long', () => {
    const world = new World([...five.slice(0, 4), { name: 'epsilon', specialties: ['frontend'] }], {
      agent: (job) =>
        job.task.body.title === 'long' ? [[20_000, { type: 'failed', reason: 'no', final: true, costUsd: null }]] : [],
    });
    world.runFor(100);
    const first = submitted(world, world.submit('alpha', { requires, title: 'long' }));
    expect(workerOf(world, first)).toBe('epsilon');
    const second = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => stallAt(world, 'alpha', second) !== null, 10_000);
    expect(stallAt(world, 'alpha', second)).toBe('1 × busy (1 of 1 slots), 4 × requires (frontend)');
    untilPhase(world, first, 'failed', 30_000);
    expect(workerOf(world, second, 1_000)).toBe('epsilon');
  });

  it('is taken though an answer to another life of it, with more attempts behind it, was heard last', () => {
    const world = new World([...five.slice(0, 4), { name: 'epsilon', specialties: ['frontend'] }], {
      agent: (job) =>
        job.task.body.title === 'long' ? [[20_000, { type: 'failed', reason: 'no', final: true, costUsd: null }]] : [],
    });
    world.runFor(100);
    const first = submitted(world, world.submit('alpha', { requires, title: 'long' }));
    workerOf(world, first);
    const second = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => stallAt(world, 'alpha', second) !== null, 10_000);
    const answer = { type: 'decline', reason: 'busy', detail: '1 of 1 slots', until: null } as const;
    const message = { type: 'answer', task: second, attempt: 9, answer } as const;
    for (const name of names) world.input(name, { type: 'message', from: peerIdOf('epsilon'), message });
    untilPhase(world, first, 'failed', 30_000);
    expect(workerOf(world, second, 1_000)).toBe('epsilon');
  });

  it('is taken after all peers were restarted', () => {
    const world = new World([...five, { name: 'zeta', specialties: ['frontend'], later: true }]);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => names.every((name) => stallAt(world, name, task) !== null), 10_000);
    for (const name of names) world.kill(name);
    for (const name of names) world.start(name);
    world.runFor(20_000);
    world.start('zeta');
    expect(workerOf(world, task, 10_000)).toBe('zeta');
  });
});

describe('a task whose electors are gone', () => {
  it.each([
    [2, 3],
    [3, 5],
  ])('says so, waits, and ends when they are back: %i of %i', (lost, size) => {
    const world = new World(five.slice(0, size), { agent: () => [[45_000, readyToPush]] });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.runFor(1_000);
    const gone = electorsOf(world, task)
      .filter((name) => name !== worker)
      .slice(0, lost);
    for (const name of gone) world.kill(name);
    world.runFor(60_000);
    for (const name of others(world, ...gone)) {
      expect(stallAt(world, name, task)).toBe(`${lost} of ${size} electors unreachable`);
      expect(phaseAt(world, name, task)).toBe('assigned');
    }
    for (const name of gone) world.start(name);
    untilPhase(world, task, 'done', 15_000);
    expect(stallAt(world, worker, task)).toBeNull();
    expect(world.started.map(({ peer }) => peer)).toEqual([worker]);
  });
});

describe('a repository that refused this PC', () => {
  it('is offered to again ten minutes later, with nothing else to remind of it', () => {
    const isRefused = { value: true };
    const world = new World(five.slice(0, 1), {
      agent: () => [[100, isRefused.value ? { type: 'refused', reason: 'no access: 403' } : readyToPush]],
    });
    const task = firstTask(world);
    world.until('it waits', () => stallAt(world, 'alpha', task)?.includes('no access') === true, 30_000);
    isRefused.value = false;
    untilPhase(world, task, 'done', 11 * 60_000);
  });
});
