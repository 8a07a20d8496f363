import { describe, expect, it } from 'vitest';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';
import { endlessAgent } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { five, others, phaseAt, submitted } from './support.ts';

const residents = ['alpha', 'beta', 'gamma'] as const;
const visitors = Array.from({ length: 300 }, (_, index) => `visitor-${index}`);
const timing = { keepFinishedMs: 60_000, budgetDayMs: 60_000 };
/** Past the last task's retention, and all that is waited for after somebody has gone. */
const quietMs = timing.keepFinishedMs + 3 * defaultTiming.healAfterMs;

/** Visitors come for a while, one after another, and go, every other one without a word. */
function visit(world: World): void {
  for (const [index, visitor] of visitors.entries()) {
    world.start(visitor);
    world.submit(visitor);
    world.runFor(3_000);
    if (index % 2 === 0) world.kill(visitor);
    else world.leave(visitor);
  }
}

function work(world: World, tasks: number): void {
  for (let task = 0; task < tasks; task += 1) {
    world.submit(residents[task % residents.length] ?? 'alpha');
    world.runFor(150);
  }
}

describe('a peer that has seen thousands of tasks and hundreds of peers', () => {
  it('holds no more than at its start', { timeout: 120_000 }, () => {
    const specs = [
      ...residents.map((name) => ({ name, capacity: 4 })),
      ...visitors.map((name) => ({ name, later: true })),
    ];
    const world = new World(specs, { timing, recording: false });
    world.runFor(quietMs);
    const before = residents.map((name) => world.held(name));
    visit(world);
    work(world, 2_000);
    world.runFor(quietMs);
    const after = residents.map((name) => world.held(name));
    // Of these so many are kept that it takes years until there are no more; see tombstones and acquaintances.
    const kept = { tombstones: expect.any(Number), acquaintances: residents.length - 1 + visitors.length };
    expect(after).toEqual(before.map((held) => ({ ...held, ...kept })));
  });
});

describe('a task that has waited while hundreds of peers came and went', () => {
  it('still hears the one that can do it', () => {
    const specs = [
      ...residents.map((name) => ({ name })),
      ...visitors.map((name) => ({ name, later: true })),
      { name: 'rocketeer', later: true, specialties: ['rocketry'] },
    ];
    const world = new World(specs, { agent: endlessAgent });
    world.runFor(100);
    const requires = { specialties: ['rocketry'], explicit: true, reason: 'a person said so' };
    const task = submitted(world, world.submit('alpha', { requires }));
    for (const visitor of visitors) {
      world.start(visitor);
      world.runFor(1_000);
      world.kill(visitor);
    }
    world.runFor(quietMs);
    world.start('rocketeer');
    world.until('assigned', () => phaseAt(world, 'alpha', task) === 'assigned', 20_000);
  });
});

describe('a submission whose electors never come back', () => {
  it('is no longer sent to them once the task goes on without them', () => {
    const world = new World(five);
    world.runFor(100);
    world.submit('alpha');
    world.until('made', () => world.tasks('alpha').length === 1);
    const task = world.tasks('alpha')[0]?.task.id ?? ('' as TaskId);
    for (const name of others(world, 'alpha', 'beta')) world.kill(name);
    world.runFor(20_000);
    expect(world.held('alpha')).toMatchObject({ submissions: 1 });
    expect(world.reply(world.command('alpha', { type: 'adopt', task }))).toMatchObject({ type: 'adopted' });
    world.until('done', () => phaseAt(world, 'alpha', task) === 'done');
    world.runFor(2_000);
    expect(world.held('alpha')).toMatchObject({ submissions: 0 });
    world.exit('alpha');
    expect(world.stored('alpha').submissions).toEqual([]);
  });
});
