import { describe, expect, it } from 'vitest';
import { promptKey } from '../../../src/protocol/record.ts';
import { endlessAgent } from '../../sim/script.ts';
import { peerIdOf, World } from '../../sim/world.ts';
import {
  firstTask,
  five,
  names,
  others,
  outcomes,
  phaseAt,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
} from './support.ts';

describe('a peer that was away', () => {
  it('learns of a task on its return, with its state, its story and who bid', () => {
    const world = new World(five);
    world.runFor(100);
    world.kill('epsilon');
    world.runFor(1_000);
    const task = submitted(world, world.submit('alpha'));
    for (const name of others(world, 'epsilon')) world.until('done', () => phaseAt(world, name, task) === 'done');
    world.start('epsilon');
    world.until('known', () => phaseAt(world, 'epsilon', task) === 'done', 1_000);
    const here = world.task('epsilon', task);
    const there = world.task('alpha', task);
    expect(here?.state).toEqual(there?.state);
    expect(here?.story).toEqual(there?.story);
    expect(here?.answers.length).toBeGreaterThan(0);
  });

  it('learns of a task under way, and who leads it', () => {
    const world = new World(five, { agent: () => [] });
    world.runFor(100);
    world.kill('epsilon');
    world.runFor(1_000);
    const task = submitted(world, world.submit('alpha'));
    const worker = workerOf(world, task);
    world.runFor(1_000);
    world.start('epsilon');
    world.until('known', () => phaseAt(world, 'epsilon', task) === 'assigned', 1_000);
    expect(stateAt(world, 'epsilon', task)?.phase).toMatchObject({ worker: peerIdOf(worker) });
    expect(world.task('epsilon', task)?.leader).toBe(world.task('alpha', task)?.leader);
  });

  it('brings what only it knows to the others', () => {
    const world = new World(five.slice(0, 3));
    const task = firstTask(world);
    untilPhase(world, task, 'done');
    const fresh = new World([...five.slice(0, 1), { name: 'delta', later: true }]);
    fresh.runFor(100);
    const lone = submitted(fresh, fresh.submit('alpha'));
    fresh.until('done', () => phaseAt(fresh, 'alpha', lone) === 'done');
    fresh.start('delta');
    fresh.until('known', () => phaseAt(fresh, 'delta', lone) === 'done', 1_000);
  });

  it('does not start again what had ended', () => {
    const world = new World(five);
    const task = firstTask(world);
    untilPhase(world, task, 'done');
    for (const name of names) world.exit(name);
    for (const name of names) world.start(name);
    world.runFor(30_000);
    expect(world.started).toHaveLength(1);
    expect(names.map((name) => phaseAt(world, name, task))).toEqual(names.map(() => 'done'));
  });
});

describe('what happened on both sides of a cut', () => {
  it('is known to all once it heals', () => {
    const world = new World(five);
    world.runFor(100);
    world.cut(['alpha', 'beta'], ['gamma', 'delta', 'epsilon']);
    world.runFor(10_000);
    const left = Array.from({ length: 10 }, () => submitted(world, world.submit('alpha')));
    const right = Array.from({ length: 10 }, () => submitted(world, world.submit('delta')));
    world.until('done', () => left.every((task) => phaseAt(world, 'beta', task) === 'done'));
    world.until('done', () => right.every((task) => phaseAt(world, 'gamma', task) === 'done'));
    expect(world.tasks('alpha')).toHaveLength(10);
    expect(world.tasks('delta')).toHaveLength(10);
    world.heal();
    world.until('reconciled', () => names.every((name) => world.tasks(name).length === 20), 2_000);
    for (const task of [...left, ...right]) untilPhase(world, task, 'done', 2_000);
    const states = names.map((name) => JSON.stringify(world.tasks(name).map(({ state }) => state)));
    expect(new Set(states).size).toBe(1);
    expect(world.started).toHaveLength(20);
  });

  it('is compared in three small messages where nothing differs but one task', () => {
    const world = new World(five);
    world.runFor(100);
    const tasks = Array.from({ length: 30 }, () => submitted(world, world.submit('alpha')));
    for (const task of tasks) untilPhase(world, task, 'done');
    world.exit('epsilon');
    world.runFor(1_000);
    const missed = submitted(world, world.submit('alpha'));
    for (const name of others(world, 'epsilon')) world.until('done', () => phaseAt(world, name, missed) === 'done');
    world.runFor(1_000);
    const from = world.nowMs;
    world.start('epsilon');
    world.until('known', () => phaseAt(world, 'epsilon', missed) === 'done', 1_000);
    world.runFor(1_000);
    const records = world.sent.filter(({ at, message }) => at >= from && message.type === 'task');
    expect(records.length).toBeLessThanOrEqual(4);
  });

  it('is in agreement without a word where nothing differs', () => {
    const world = new World(five);
    const task = firstTask(world);
    untilPhase(world, task, 'done');
    world.runFor(65_000);
    const types = new Set(world.sent.filter(({ at }) => at > 20_000).map(({ message }) => message.type));
    expect([...types]).toEqual(['sync-root']);
    expect(outcomes(stateAt(world, 'alpha', task))).toEqual(['done']);
  });
});

describe('a joiner that has missed a lot', () => {
  it('gets it in turns, none too large for a link', () => {
    const world = new World([{ name: 'alpha' }, { name: 'beta', later: true }], { agent: endlessAgent });
    world.runFor(100);
    const prompt = 'x'.repeat(60_000);
    const tasks = Array.from({ length: 150 }, () => submitted(world, world.submit('alpha', { prompt })));
    const from = world.sent.length;
    world.start('beta');
    world.until('it knows all', () => tasks.every((task) => world.task('beta', task) !== null), 30_000);
    const turns = new Map<number, number>();
    for (const { at, to, message } of world.sent.slice(from))
      if (to === 'beta' && message.type === 'task') turns.set(at, (turns.get(at) ?? 0) + message.record.bytes.length);
    expect(turns.size).toBeGreaterThan(1);
    expect(Math.max(...turns.values())).toBeLessThan(8 * 1024 * 1024);
  });
});

describe('a task out of the past', () => {
  it('is not offered again and again to who does not take it', () => {
    const timing = { keepFinishedMs: 60_000 };
    const world = new World([{ name: 'alpha' }, { name: 'beta', later: true }], { timing, agent: endlessAgent });
    world.runFor(100);
    const prompt = 'x'.repeat(60_000);
    const tasks = Array.from({ length: 100 }, () => submitted(world, world.submit('alpha', { prompt })));
    world.runFor(61_000);
    const from = world.sent.length;
    world.start('beta');
    world.runFor(2_000);
    const said = world.sent.slice(from).map(({ message }) => message.type);
    expect(said).not.toContain('task');
    expect(said.filter((type) => type.startsWith('sync-')).length).toBeLessThan(10);
    expect(tasks.every((task) => world.task('beta', task) === null)).toBe(true);
  });
});

describe('a PC whose clock is behind by a month', () => {
  it('is told once that what it knows is past, and what came of it is known to both', () => {
    const timing = { keepFinishedMs: 120_000 };
    const specs = [
      { name: 'alpha', wallOffsetMs: -2 * timing.keepFinishedMs },
      { name: 'beta', later: true },
    ];
    const world = new World(specs, { timing });
    world.runFor(100);
    for (let index = 0; index < 5; index += 1) world.submit('alpha', { key: promptKey(`${index}`) });
    world.runFor(20_000);
    const tasks = world.tasks('alpha').map(({ task }) => task.id);
    world.start('beta');
    world.runFor(5_000);
    expect(tasks.map((task) => world.phase('beta', task))).toEqual(tasks.map(() => 'done'));
    const from = world.sent.length;
    world.runFor(60_000);
    expect(new Set(world.sent.slice(from).map(({ message }) => message.type))).toEqual(new Set(['sync-root']));
  });
});

describe('a PC that comes back after the others have pruned', () => {
  it('starts nothing again that ended long ago', () => {
    const timing = { keepFinishedMs: 120_000 };
    const world = new World([{ name: 'alpha' }, { name: 'beta' }, { name: 'gamma' }], { timing, agent: endlessAgent });
    const task = firstTask(world);
    world.until('it is under way', () => world.started.length === 1);
    world.kill('gamma');
    world.command('alpha', { type: 'cancel', task, reason: 'enough' });
    world.until('it is pruned', () => world.task('alpha', task) === null && world.task('beta', task) === null, 300_000);
    const starts = world.started.length;
    const from = world.sent.length;
    world.start('gamma');
    world.runFor(120_000);
    expect(world.started.length).toBe(starts);
    const handed = world.sent.slice(from).filter(({ message }) => message.type === 'task');
    expect(handed).toHaveLength(0);
    expect(world.task('alpha', task)).toBeNull();
  });
});
