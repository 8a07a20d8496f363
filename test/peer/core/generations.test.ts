import { describe, expect, it } from 'vitest';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { type AgentScript, endlessAgent, readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import {
  electorsOf,
  firstTask,
  five,
  leaderOf,
  names,
  others,
  outcomes,
  phaseAt,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
} from './support.ts';

/** Longer than an electorate waits for a lost elector. */
const healedMs = 45_000;

const slowAgent =
  (workMs: number): AgentScript =>
  () => [[workMs, readyToPush]];

const generationAt = (world: World, name: string, task: TaskId): number =>
  world.task(name, task)?.generation.number ?? -1;

describe('an electorate', () => {
  it('moves on when an elector is gone for long, and the attempt under way goes on', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    const gone = others(world, worker)[0] ?? '';
    world.kill(gone);
    world.until('the next generation', () => generationAt(world, worker, task) === 1, healedMs);
    world.runFor(10_000);
    expect(electorsOf(world, task)).toHaveLength(3);
    expect(electorsOf(world, task)).not.toContain(gone);
    expect(world.started).toHaveLength(1);
    expect(leaderOf(world, task)).not.toBeNull();
  });

  it('is left alone when a lost elector is back in time', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    const gone = others(world, worker)[0] ?? '';
    world.kill(gone);
    world.runFor(20_000);
    world.start(gone);
    world.runFor(healedMs);
    expect(generationAt(world, worker, task)).toBe(0);
  });

  it('grows with the mesh', () => {
    const world = new World([{ name: 'alpha' }, ...names.slice(1).map((name) => ({ name, later: true }))], {
      agent: endlessAgent,
    });
    const task = firstTask(world);
    expect(electorsOf(world, task)).toEqual(['alpha']);
    for (const name of names.slice(1)) world.start(name);
    world.until('five electors', () => electorsOf(world, task).length === 5, healedMs);
    expect(world.started).toHaveLength(1);
  });

  it('of a waiting task moves too', () => {
    const world = new World(five);
    world.runFor(100);
    const requires = { specialties: ['rocketry'], explicit: true, reason: 'asked for' };
    const task = submitted(world, world.submit('alpha', { requires }));
    world.runFor(10_000);
    const gone = electorsOf(world, task)[1] ?? '';
    world.kill(gone);
    const [witness = ''] = others(world, gone);
    world.until('the next generation', () => generationAt(world, witness, task) === 1, healedMs);
    expect(electorsOf(world, task)).not.toContain(gone);
    world.until('it waits again', () => world.task(witness, task)?.stalled?.includes('rocketry') === true, 20_000);
  });
});

describe('PCs that are switched off', () => {
  it('one after another, a minute apart: the last one ends the task', () => {
    const world = new World(five, { agent: slowAgent(400_000) });
    const task = firstTask(world);
    for (const name of names.slice(0, 4)) {
      world.runFor(60_000);
      world.kill(name);
    }
    world.until('done', () => phaseAt(world, 'epsilon', task) === 'done', 600_000);
  });

  it('one by one with a goodbye: nothing waits for anything', () => {
    const world = new World(five, { agent: slowAgent(5_000) });
    const task = firstTask(world);
    for (const name of names.slice(0, 4)) {
      const drained = world.command(name, { type: 'drain' });
      const before = world.nowMs;
      expect(world.reply(drained)).toEqual({ type: 'drained' });
      expect(world.nowMs - before).toBeLessThan(1_000);
      world.exit(name);
    }
    world.until('done', () => phaseAt(world, 'epsilon', task) === 'done', 30_000);
    expect(outcomes(stateAt(world, 'epsilon', task)).every((one) => one === 'done' || one === 'drained')).toBe(true);
  });
});

const two = five.slice(0, 2);

describe('two PCs', () => {
  it.each(['alpha', 'beta'])('survive the loss of %s', (gone) => {
    const world = new World(two, { agent: slowAgent(3_000) });
    const task = firstTask(world);
    world.runFor(1_000);
    world.kill(gone);
    const [left = ''] = others(world, gone);
    world.until('done', () => phaseAt(world, left, task) === 'done', 90_000);
    expect(world.task(left, task)?.generation).toMatchObject({ number: 1, forced: true });
  });

  it('on two sides of a cut both go on; when they meet again one gives way', () => {
    const world = new World(two, { agent: endlessAgent });
    const task = firstTask(world);
    world.runFor(1_000);
    world.cut(['alpha'], ['beta']);
    const isForced = (name: string): boolean => world.task(name, task)?.generation.forced === true;
    world.until('both go on', () => isForced('alpha') && isForced('beta'), 90_000);
    world.until('both work', () => world.running('alpha').length + world.running('beta').length === 2, 30_000);
    world.heal();
    world.until('one works', () => world.running('alpha').length + world.running('beta').length === 1, 30_000);
    world.until('both are electors again', () => electorsOf(world, task).length === 2, healedMs);
    expect(world.events.some(({ event }) => event.type === 'fork-met')).toBe(true);
    world.runFor(10_000);
    expect(world.running('alpha').length + world.running('beta').length).toBe(1);
  });
});

describe('an end that only one of two has stored', () => {
  it('is told by it, when the other is gone for good', () => {
    const world = new World(two, { agent: endlessAgent });
    const task = firstTask(world);
    world.runFor(1_000);
    const leader = leaderOf(world, task) ?? '';
    const [other = ''] = others(world, leader);
    world.command('alpha', { type: 'cancel', task, reason: 'enough' });
    const hasStored = (): boolean =>
      world.stored(other).registers.some(({ register }) => register.accepted?.value.phase.name === 'cancelled');
    world.until('the end is stored', hasStored);
    expect(phaseAt(world, other, task)).not.toBe('cancelled');
    world.kill(leader);
    world.until('it is told', () => phaseAt(world, other, task) === 'cancelled', 90_000);
  });
});

describe('a sealed lease', () => {
  it('is not lost once more when its leader sleeps before the seal is known', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    const leader = leaderOf(world, task) ?? '';
    world.kill(others(world, worker, leader)[0] ?? '');
    const changes = (): readonly string[] =>
      world.events.flatMap(({ event }) => (event.type === 'lease' && event.task === task ? [event.change] : []));
    world.until('the seal is sent', () => changes().includes('sealed'), healedMs);
    world.input(leader, { type: 'woke', lostMs: 10_000 });
    world.until('the next generation', () => generationAt(world, worker, task) === 1, healedMs);
    expect(changes().slice(changes().indexOf('sealed'))).not.toContain('lost');
  });
});

describe('adopt', () => {
  it('is refused by a peer that is about to stop and has nobody to give the task to', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    for (const name of names.slice(1)) world.kill(name);
    world.runFor(20_000);
    world.command('alpha', { type: 'drain' });
    expect(world.reply(world.command('alpha', { type: 'adopt', task }))).toMatchObject({ type: 'refused' });
  });

  it('starts a new generation where a majority is gone for good', () => {
    const world = new World(five, { agent: slowAgent(3_000) });
    const task = firstTask(world);
    world.runFor(500);
    for (const name of ['alpha', 'beta', 'gamma']) world.kill(name);
    world.runFor(60_000);
    expect(world.task('delta', task)?.stalled).toBe('3 of 5 electors unreachable');
    const reply = world.reply(world.command('delta', { type: 'adopt', task }));
    expect(reply).toMatchObject({ type: 'adopted', task });
    world.until(
      'done',
      () => phaseAt(world, 'delta', task) === 'done' && phaseAt(world, 'epsilon', task) === 'done',
      60_000,
    );
    for (const name of ['alpha', 'beta', 'gamma']) world.start(name);
    untilPhase(world, task, 'done');
  });

  it('gives up where it learns meanwhile that the task has ended', () => {
    const world = new World(five, { agent: slowAgent(20_000), timing: { readMs: 20_000 } });
    const task = firstTask(world);
    world.runFor(500);
    world.cut(['alpha', 'beta'], ['gamma', 'delta', 'epsilon']);
    world.until('done', () => phaseAt(world, 'gamma', task) === 'done', 120_000);
    world.pause('beta');
    const key = world.command('alpha', { type: 'adopt', task });
    world.heal();
    expect(world.reply(key, 40_000)).toEqual({ type: 'ended' });
    world.resume('beta');
    untilPhase(world, task, 'done');
    expect(generationAt(world, 'alpha', task)).toBe(generationAt(world, 'gamma', task));
  });

  it('is refused where the electors can go on by themselves', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    expect(world.reply(world.command('beta', { type: 'adopt', task }))).toEqual({ type: 'has-quorum' });
  });
});
