import { describe, expect, it } from 'vitest';
import type { CommandId, TaskId } from '../../../src/protocol/ids.ts';
import { promptKey } from '../../../src/protocol/record.ts';
import { World } from '../../sim/world.ts';
import { phaseAt, submitted, untilPhase } from './support.ts';

const three = ['alpha', 'beta', 'gamma'].map((name) => ({ name }));
const keptMs = 120_000;
const timing = { keepFinishedMs: keptMs };
const key = promptKey('the same');

/** Alpha submits while its electors go off, and comes back long after, with the only record there is. */
function comesBack(seed: number): { readonly world: World; readonly dead: TaskId } {
  const world = new World(three, { timing, seed });
  world.runFor(100);
  world.submit('alpha', { key });
  world.until('made', () => world.tasks('alpha').length === 1);
  const dead = world.tasks('alpha')[0]?.task.id ?? ('' as TaskId);
  for (const name of ['beta', 'gamma']) world.kill(name);
  world.runFor(100);
  world.exit('alpha');
  for (const name of ['beta', 'gamma']) world.start(name);
  world.runFor(keptMs);
  world.start('alpha');
  world.runFor(1_000);
  return { world, dead };
}

describe('a record out of the past that only one PC has', () => {
  it.each([1, 2, 3, 4, 7])('does not end what is submitted on another PC (seed %i)', (seed) => {
    const { world } = comesBack(seed);
    const task = submitted(world, world.submit('beta', { key }));
    world.runFor(60_000);
    expect(world.phase('beta', task)).toBe('done');
  });

  it('is not what its key is answered with there', () => {
    const { world, dead } = comesBack(1);
    const task = submitted(world, world.submit('alpha', { key }));
    expect(task).not.toBe(dead);
    untilPhase(world, task, 'done');
  });

  it('is forgotten, and whoever has it is told so', () => {
    const { world, dead } = comesBack(1);
    world.runFor(60_000);
    expect(world.task('alpha', dead)).toBeNull();
    expect(world.held('alpha')).toMatchObject({ submissions: 0, seats: 0, registers: 0, burials: 0 });
    const told = { type: 'never-begun', task: dead, key, title: 'Fix the greeting' };
    expect(world.events.filter(({ event }) => event.type === 'never-begun')).toEqual([
      expect.objectContaining({ peer: 'alpha', event: told }),
    ]);
    world.exit('alpha');
    expect(world.stored('alpha')).toMatchObject({ tasks: [], registers: [], submissions: [] });
  });
});

describe('a record out of the past that a majority has', () => {
  it('is begun once they are there again: it had been acknowledged', () => {
    const world = new World(three, { timing });
    world.runFor(100);
    const request = world.submit('alpha', { key });
    world.until('acknowledged', () => world.replies.has(request as CommandId));
    const task = submitted(world, request);
    expect(world.tasks('alpha')[0]?.leader).toBeNull();
    for (const { name } of three) world.kill(name);
    world.runFor(keptMs);
    for (const { name } of three) world.start(name);
    world.until('done', () => phaseAt(world, 'alpha', task) === 'done');
  });
});
