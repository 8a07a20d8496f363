import { describe, expect, it } from 'vitest';
import { promptKey } from '../../../src/protocol/record.ts';
import { World } from '../../sim/world.ts';
import { electorsOf, five, names, others, phaseAt, submitted, untilPhase } from './support.ts';

const storedBy = (world: World, task: string): readonly string[] =>
  world.names.filter((name) => world.stored(name).registers.some((register) => register.task === task));

describe('a submission', () => {
  it('is acknowledged when a majority of its electors has stored it durably, not before', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed });
      world.runFor(100);
      const key = world.submit('alpha');
      world.until('an answer', () => world.replies.has(key));
      const task = submitted(world, key);
      expect(storedBy(world, task).length).toBeGreaterThanOrEqual(3);
      const tasks = world.names.filter((name) => world.stored(name).tasks.some((one) => one.task === task));
      expect(tasks.length).toBeGreaterThanOrEqual(3);
    }
  });

  it('names the five, three, two or one peers that are there', () => {
    for (const [count, electors] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 3],
      [5, 5],
    ] as const) {
      const world = new World(five.slice(0, count));
      world.runFor(100);
      expect(electorsOf(world, submitted(world, world.submit('alpha')))).toHaveLength(electors);
    }
  });

  it('passes over a peer that does not answer the preflight', () => {
    const world = new World(five);
    world.runFor(100);
    world.pause('beta');
    const task = submitted(world, world.submit('alpha'));
    expect(electorsOf(world, task)).toHaveLength(3);
    expect(electorsOf(world, task)).not.toContain('beta');
  });

  it('is pending, with the count, when the majority goes before it has stored it, and is done when that is back', () => {
    const world = new World(five);
    world.runFor(100);
    const askedAt = world.nowMs;
    const key = world.submit('alpha');
    world.until('preflight answered', () => world.tasks('alpha').length === 1);
    const [task] = world.tasks('alpha');
    for (const name of others(world, 'alpha', 'beta')) world.kill(name);
    expect(world.reply(key)).toEqual({ type: 'pending', task: task?.task.id, stored: 2, electors: 5 });
    expect(world.nowMs - askedAt).toBeGreaterThan(9_000);
    expect(world.nowMs - askedAt).toBeLessThan(11_500);
    world.runFor(30_000);
    expect(world.started).toEqual([]);
    for (const name of others(world, 'alpha', 'beta')) world.start(name);
    if (task !== undefined) untilPhase(world, task.task.id, 'done', 10_000);
  });

  it('that was pending is brought to a majority by the next run of its peer', () => {
    const world = new World(five);
    world.runFor(100);
    world.submit('alpha');
    world.until('made', () => world.tasks('alpha').length === 1);
    const [made] = world.tasks('alpha');
    for (const name of names) world.kill(name);
    for (const name of names) world.start(name);
    if (made !== undefined) untilPhase(world, made.task.id, 'done', 10_000);
    world.exit('alpha');
    expect(world.stored('alpha').submissions).toEqual([]);
  });
});

describe('a key that has a task', () => {
  const key = promptKey('the same');

  it('returns the open task, asked where it was submitted or elsewhere', () => {
    const world = new World(five, { agent: () => [] });
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { key }));
    world.runFor(100);
    for (const name of ['alpha', 'beta']) {
      expect(world.reply(world.submit(name, { key }))).toEqual({ type: 'existing', task, ended: false });
      expect(world.reply(world.submit(name, { key }, true))).toEqual({ type: 'existing', task, ended: false });
    }
  });

  it('returns a task that no majority has only once one has it', () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const world = new World(five, { seed, agent: () => [] });
      world.runFor(100);
      world.submit('alpha', { key });
      world.until('beta has heard of it', () => world.tasks('beta').length === 1);
      const task = world.tasks('beta')[0]?.task.id;
      for (const name of others(world, 'alpha', 'beta')) world.kill(name);
      expect(world.reply(world.submit('beta', { key }))).toEqual({ type: 'pending', task, stored: 2, electors: 5 });
      const again = world.submit('beta', { key });
      world.runFor(5_000);
      expect(world.replies.get(again)).toBeUndefined();
      for (const name of others(world, 'alpha', 'beta')) world.start(name);
      expect(world.reply(again)).toEqual({ type: 'existing', task, ended: false });
      expect(storedBy(world, task ?? '').length).toBeGreaterThanOrEqual(3);
    }
  });

  it('returns the ended task, or makes the next round where a person wants it again', () => {
    const world = new World(five);
    world.runFor(100);
    const first = submitted(world, world.submit('alpha', { key }));
    untilPhase(world, first, 'done');
    expect(world.reply(world.submit('beta', { key }))).toEqual({ type: 'existing', task: first, ended: true });
    const second = submitted(world, world.submit('beta', { key }, true));
    expect(second).not.toBe(first);
    expect(world.task('beta', second)?.task.body.round).toBe(2);
    untilPhase(world, second, 'done');
    expect(phaseAt(world, 'beta', first)).toBe('done');
  });

  it('answers two submissions at one peer at the same moment with one task', () => {
    const world = new World(five);
    world.runFor(100);
    const [one, two] = [world.submit('alpha', { key }), world.submit('alpha', { key })];
    expect(submitted(world, one)).toBe(submitted(world, two));
  });
});
