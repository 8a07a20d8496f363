import { describe, expect, it } from 'vitest';
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
  phaseAt,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
} from './support.ts';

describe('a peer that was killed and started again', () => {
  it('has its registers, and takes part again', () => {
    const world = new World(five.slice(0, 3), { agent: () => [[20_000, readyToPush]] });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.runFor(1_000);
    const [one, two] = others(world, worker);
    if (one === undefined || two === undefined) throw new Error('three peers have two others');
    const before = world.stored(one).registers;
    expect(before[0]?.register.accepted?.value.phase.name).toBe('assigned');
    world.kill(one);
    world.runFor(1_000);
    world.start(one);
    expect(world.incarnation(one)).toBe(2);
    world.runFor(1_000);
    // Without the vote of the restarted one there is no majority.
    world.kill(two);
    untilPhase(world, task, 'done', 40_000);
    expect(world.started).toHaveLength(1);
  });

  it('promises nobody a lease that may still be held: it waits for a full one', () => {
    const world = new World(five, { agent: () => [] });
    const task = firstTask(world);
    workerOf(world, task);
    world.runFor(3_000);
    for (const name of names) world.kill(name);
    const startedAt = world.nowMs;
    for (const name of names) world.start(name);
    world.until('somebody leads', () => world.events.some(({ at, event }) => at > startedAt && event.type === 'lease'));
    expect(world.nowMs - startedAt).toBeGreaterThanOrEqual(4_400);
  });

  it('that led makes a new ballot, and does not act on the lease of its earlier run', () => {
    const world = new World(five, { agent: () => [[30_000, readyToPush]] });
    const task = firstTask(world);
    world.runFor(1_000);
    const leader = leaderOf(world, task) ?? '';
    world.kill(leader);
    world.start(leader);
    const startedAt = world.nowMs;
    world.until(
      'led again',
      () => world.events.some(({ at, event }) => at > startedAt && event.type === 'lease'),
      10_000,
    );
    const ballots = world.events.flatMap(({ event }) => (event.type === 'lease' ? [event.ballot] : []));
    expect(ballots.at(-1)?.round).toBeGreaterThan(ballots[0]?.round ?? 0);
    const asOld = world.sent.filter(
      ({ at, from, message }) =>
        at > startedAt && from === leader && message.type === 'accept' && message.version.ballot.incarnation === 1,
    );
    expect(asOld).toEqual([]);
    untilPhase(world, task, 'done');
  });
});

describe('an acknowledged task', () => {
  it('survives the loss of any two of five electors, whoever they are', () => {
    for (const one of names) {
      for (const two of names.filter((name) => name > one)) {
        const world = new World(five);
        const task = firstTask(world);
        world.kill(one);
        world.kill(two);
        untilPhase(world, task, 'done', 60_000);
      }
    }
  });

  it('survives the kill of all peers at once, at any moment', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = new World(five, { seed });
      const task = firstTask(world);
      world.runFor(seed * 31);
      for (const name of names) world.kill(name);
      world.runFor(1_000);
      for (const name of names) world.start(name);
      untilPhase(world, task, 'done', 60_000);
    }
  });

  it('is done though its submitter never comes back', () => {
    const world = new World([...five, { name: 'zeta' }]);
    world.runFor(100);
    let key = world.submit('zeta');
    let task = submitted(world, key);
    while (electorsOf(world, task).includes('zeta')) {
      key = world.submit('zeta');
      task = submitted(world, key);
    }
    world.kill('zeta');
    for (const name of names) world.until('done', () => phaseAt(world, name, task) === 'done');
  });

  it('that was not told to anybody else is told once its submitter is back', () => {
    const world = new World(five);
    world.runFor(100);
    world.cut(['alpha'], others(world, 'alpha'));
    const key = world.submit('alpha');
    world.runFor(300);
    expect(world.reply(key)).toMatchObject({ type: 'submitted' });
    const task = submitted(world, key);
    expect(electorsOf(world, task)).toEqual(['alpha']);
    world.kill('alpha');
    world.heal();
    world.runFor(1_000);
    world.start('alpha');
    untilPhase(world, task, 'done');
    expect(outcomes(stateAt(world, 'beta', task)).at(-1)).toBe('done');
  });
});
