import { describe, expect, it } from 'vitest';
import { isTerminal } from '../../../src/protocol/state.ts';
import { violations } from '../../sim/oracles.ts';
import { type AgentScript, readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { five, names, others, outcomes, stateAt, submitted, untilPhase, workerOf } from './support.ts';

const working =
  (workMs: number): AgentScript =>
  () => [[workMs, readyToPush]];

describe('more tasks than slots', () => {
  it.each([1, 2])('all end, and no peer of capacity %i ever runs more than it can', (capacity) => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = new World(
        five.map((spec) => ({ ...spec, capacity })),
        { seed, agent: working(700) },
      );
      world.runFor(100);
      const keys = Array.from({ length: 20 }, (_, index) => world.submit(names[index % 5] ?? 'alpha'));
      const tasks = keys.map((key) => submitted(world, key));
      world.until('all end', () => tasks.every((task) => stateAt(world, 'alpha', task)?.phase.name === 'done'));
      expect(violations(world), `seed ${seed}`).toEqual([]);
      for (const task of tasks) {
        const failed = outcomes(stateAt(world, 'alpha', task)).filter((one) => one !== 'refused' && one !== 'done');
        expect(failed, `seed ${seed}`).toEqual([]);
      }
    }
  });

  it('keep every slot busy: twenty tasks of two seconds take five peers little more than eight', () => {
    const world = new World(five, { agent: working(2_000) });
    world.runFor(100);
    const beganAt = world.nowMs;
    const tasks = Array.from({ length: 20 }, () => world.submit('alpha')).map((key) => submitted(world, key));
    world.until('all end', () => tasks.every((task) => isTerminal(stateAt(world, 'alpha', task) as never)));
    expect(world.nowMs - beganAt).toBeLessThan(9_500);
  });
});

describe('a worker whose slot has gone', () => {
  it('is passed over for the next bid, and nothing is counted against the task', () => {
    const world = new World(five, { agent: () => [] });
    world.runFor(100);
    const tasks = names.map(() => submitted(world, world.submit('alpha')));
    world.until('all work', () => names.every((name) => world.running(name).length === 1), 10_000);
    world.runFor(1_000);
    for (const task of tasks) expect(stateAt(world, 'alpha', task)).toMatchObject({ failures: 0, lapses: 0 });
  });

  it('is told so by the worker, when two tasks chose it at once', () => {
    const specialist = { name: 'epsilon', specialties: ['backend'] };
    const requires = { specialties: ['backend'], explicit: false, reason: 'label backend' };
    const world = new World([...five.slice(0, 4), specialist], { agent: () => [] });
    world.runFor(100);
    const keys = ['alpha', 'beta'].map((name) => world.submit(name, { requires }));
    const [one, two] = keys.map((key) => submitted(world, key));
    world.until('both work', () => names.filter((name) => world.running(name).length === 1).length === 2, 2_000);
    world.runFor(200);
    const ends = [one, two].map((task) => outcomes(task === undefined ? null : stateAt(world, 'alpha', task)));
    expect(ends.sort((a, b) => a.length - b.length)).toEqual([[null], ['refused', null]]);
    expect(world.running('epsilon')).toHaveLength(1);
    const told = [one, two].flatMap((task) => (task === undefined ? [] : (world.task('alpha', task)?.story ?? [])));
    expect(told.map(({ detail }) => detail)).toContain('attempt 1 was not begun: the slot has gone');
  });
});

describe('tasks that wait', () => {
  it('are taken by priority, then by age', () => {
    const world = new World(five.slice(0, 1), { agent: working(1_000) });
    world.runFor(100);
    const first = submitted(world, world.submit('alpha'));
    workerOf(world, first);
    const queue = (['low', 'normal', 'high', 'normal', 'high'] as const).map((priority, index) => {
      world.runFor(50);
      return { name: `${priority} ${index}`, task: submitted(world, world.submit('alpha', { priority })) };
    });
    untilPhase(world, queue[0]?.task ?? first, 'done');
    const order = world.started.slice(1).map(({ job }) => queue.find(({ task }) => task === job.task.id)?.name);
    expect(order).toEqual(['high 2', 'high 4', 'normal 1', 'normal 3', 'low 0']);
  });

  it('rise by one step of priority for every ten minutes, so that none waits for ever', () => {
    const world = new World(five.slice(0, 1), { agent: working(60_000) });
    world.runFor(100);
    workerOf(world, submitted(world, world.submit('alpha')));
    const low = submitted(world, world.submit('alpha', { priority: 'low' }));
    for (let minute = 0; minute < 25; minute += 1) {
      world.submit('alpha', { priority: 'normal' });
      world.runFor(60_000);
    }
    expect(stateAt(world, 'alpha', low)?.phase.name).toBe('done');
  });
});

describe('the choice', () => {
  it('prefers the specialist, then the peer with more free slots', () => {
    const requires = { specialties: ['backend'], explicit: false, reason: 'label backend' };
    const world = new World(
      [{ name: 'alpha', capacity: 4 }, { name: 'beta' }, { name: 'gamma', specialties: ['backend'] }],
      { agent: () => [] },
    );
    world.runFor(100);
    const workers = [0, 1, 2].map(() => workerOf(world, submitted(world, world.submit('beta', { requires }))));
    expect(workers).toEqual(['gamma', expect.stringMatching(/alpha|beta/), expect.stringMatching(/alpha|beta/)]);
  });

  it('is explained: every answer, with its score or reason, is known on every peer', () => {
    const requires = { specialties: ['backend'], explicit: true, reason: 'asked for' };
    const world = new World([...five.slice(0, 4), { name: 'epsilon', specialties: ['backend'] }], { agent: () => [] });
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { requires }));
    expect(workerOf(world, task)).toBe('epsilon');
    world.runFor(100);
    for (const name of names) {
      const answers = world.task(name, task)?.answers ?? [];
      expect(answers.map(({ peer, answer }) => [world.nameOf(peer), answer.type])).toEqual([
        ['epsilon', 'bid'],
        ...others(world, 'epsilon')
          .toSorted()
          .map((other) => [other, 'decline']),
      ]);
    }
  });
});

describe('a peer that has failed at a task', () => {
  it('is asked again only where nobody else offers', () => {
    const specialties = ['frontend'];
    const world = new World([{ name: 'expert', specialties }, { name: 'novice' }], {
      agent: (_, peer) =>
        peer === 'expert'
          ? [[100, { type: 'failed', reason: 'broken', final: false, costUsd: null }]]
          : [[100, readyToPush]],
    });
    world.runFor(100);
    const requires = { specialties, explicit: false, reason: 'a label' };
    const task = submitted(world, world.submit('novice', { requires }));
    untilPhase(world, task, 'done');
    expect(world.started.map(({ peer }) => peer)).toEqual(['expert', 'novice']);
    // Who was chosen is told first, whatever its score.
    const told = world.task('novice', task)?.story.filter(({ event }) => event === 'assigned') ?? [];
    expect(told.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^attempt 1 to expert; expert bid [\d.]+, novice bid/),
      expect.stringMatching(/^attempt 2 to novice; novice bid [\d.]+, expert bid/),
    ]);
  });
});

describe('a mesh of many peers', () => {
  const many = (count: number): World => {
    const world = new World(Array.from({ length: count }, (_, index) => ({ name: `peer-${index}` })));
    world.runFor(1_000);
    return world;
  };
  /** Bids sent for one task, by all peers together. */
  const bidsFor = (count: number): number => {
    const world = many(count);
    const task = submitted(world, world.submit('peer-0'));
    world.until('it is done', () => stateAt(world, 'peer-1', task)?.phase.name === 'done');
    const isBid = ({ message }: (typeof world.sent)[number]) =>
      message.type === 'answer' && message.task === task && message.answer.type === 'bid';
    return world.sent.filter(isBid).length;
  };

  it('does not send more bids for a task than one of half its size', () => {
    expect(bidsFor(96)).toBeLessThanOrEqual(bidsFor(48) * 1.2);
  });

  it('gives the task to the one that is best for it', () => {
    const world = new World(
      Array.from({ length: 40 }, (_, index) => ({
        name: `peer-${index}`,
        specialties: [index === 23 ? 'frontend' : 'general'],
      })),
    );
    world.runFor(1_000);
    const requires = { specialties: ['frontend'], explicit: false, reason: 'a label' };
    const task = submitted(world, world.submit('peer-0', { requires }));
    expect(workerOf(world, task)).toBe('peer-23');
  });

  it('hears the reasons of all where nobody offers', () => {
    const world = many(40);
    const requires = { specialties: ['rocketry'], explicit: true, reason: 'asked for' };
    const task = submitted(world, world.submit('peer-0', { requires }));
    world.until('it is stalled', () => world.task('peer-1', task)?.stalled === '40 × requires (rocketry)', 20_000);
  });
});
