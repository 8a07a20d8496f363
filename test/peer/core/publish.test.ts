import { describe, expect, it } from 'vitest';
import type { CommitId } from '../../../src/protocol/ids.ts';
import { neverPublishes, readyToPush, someCommit } from '../../sim/script.ts';
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
  untilPhase,
  workerOf,
} from './support.ts';

/** A task whose worker, not its leader, has just been granted a push that never comes to an end. */
function granted(apart = true) {
  for (let seed = 1; ; seed += 1) {
    const world = new World(five, { seed, publish: neverPublishes });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.until('granted', () => world.published.length === 1);
    const leader = leaderOf(world, task) ?? '';
    if ((leader !== worker) === apart) return { world, task, worker, leader };
  }
}

/** A task whose worker, not its leader, has just asked for a grant. */
function asked() {
  for (let seed = 1; ; seed += 1) {
    const world = new World(five, { seed, agent: () => [[1_500, readyToPush]], publish: neverPublishes });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.until('asked', () => world.sent.some(({ message }) => message.type === 'publish-request'));
    if (leaderOf(world, task) !== worker) return { world, task, worker };
  }
}

describe('a grant', () => {
  it('is given once publishing is durable on a majority, and not before', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed });
      const task = firstTask(world);
      world.until('granted', () => world.published.length === 1);
      const holders = world.names.filter((name) =>
        world
          .stored(name)
          .registers.some(
            ({ task: id, register }) => id === task && register.accepted?.value.phase.name === 'publishing',
          ),
      );
      expect(holders.length, `seed ${seed}`).toBeGreaterThanOrEqual(3);
      expect(electorsOf(world, task)).toEqual(expect.arrayContaining([...holders]));
    }
  });

  it('holds for thirty seconds less the margin for drift, counted from the request', () => {
    const { world } = granted();
    const [grant] = world.published;
    expect(grant?.validMs).toBeLessThanOrEqual(27_000);
    expect(grant?.validMs).toBeGreaterThan(26_900);
  });

  it('that comes late counts from the request all the same', () => {
    const { world, worker } = asked();
    world.pause(worker);
    world.runFor(10_000);
    world.resume(worker);
    expect(world.published[0]?.validMs).toBeLessThanOrEqual(17_000);
    expect(world.published[0]?.validMs).toBeGreaterThan(16_900);
  });

  it('that comes too late is not used: the worker asks anew', () => {
    const { world, worker } = asked();
    world.pause(worker);
    world.runFor(27_500);
    expect(world.sent.some(({ message }) => message.type === 'publish-grant')).toBe(true);
    world.resume(worker);
    expect(world.published).toEqual([]);
    world.until('granted anew', () => world.published.length === 1, 2_000);
    expect(world.published[0]?.validMs).toBeGreaterThan(26_900);
    expect(world.started).toHaveLength(1);
  });

  it('is used though it takes longer than until the next heartbeat, which asks again', () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const world = new World(five, { seed, agent: () => [[5_000, readyToPush]] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.cut([worker], others(world, worker), { slowMs: 3_000 });
      world.until(`published, seed ${seed}`, () => world.published.length > 0, 25_000);
      expect(world.started).toHaveLength(1);
    }
  });

  it('is void after its peer slept through it', () => {
    const world = new World(five.slice(0, 1), { agent: () => [[1_000, readyToPush]] });
    const task = firstTask(world);
    world.until('asked', () => world.sent.some(({ message }) => message.type === 'publish-request'));
    world.input('alpha', { type: 'woke', lostMs: 60_000 });
    untilPhase(world, task, 'done', 20_000);
    const [asked, askedAgain] = world.sent.filter(({ message }) => message.type === 'publish-request');
    expect(askedAgain).toBeDefined();
    expect(asked).not.toBe(askedAgain);
    expect(world.published).toHaveLength(1);
  });
});

describe('a grant that comes to a peer that sleeps', () => {
  it('is not used when it has run out on the wall clock, though nobody noticed the sleep', () => {
    const { world, worker } = asked();
    world.until('answered', () => world.sent.some(({ message }) => message.type === 'publish-grant'));
    world.sleep(worker);
    world.runFor(45_000);
    const before = world.published.length;
    world.wake(worker, false);
    expect(world.published.slice(before).filter(({ peer }) => peer === worker)).toEqual([]);
  });
});

describe('a publishing attempt whose worker is gone', () => {
  it('lapses only after its grant', () => {
    const { world, task, worker } = granted();
    const grantedAt = world.published[0]?.at ?? 0;
    world.kill(worker);
    world.until('the next attempt', () => world.started.length === 2, 60_000);
    expect(world.nowMs - grantedAt).toBeGreaterThanOrEqual(30_000 - 10);
    expect(world.nowMs - grantedAt).toBeLessThan(31_500);
    world.runFor(100);
    expect(outcomes(stateAt(world, world.started[1]?.peer ?? '', task))).toEqual(['lapsed', null]);
  });

  it('lapses a full grant after a new leader came, which cannot know when the last was given', () => {
    const { world, task, worker, leader } = granted();
    world.kill(worker);
    world.kill(leader);
    world.until('another leads', () => ![null, leader].includes(leaderOf(world, task)), 10_000);
    const wonAt = world.nowMs;
    world.until('the next attempt', () => world.started.length === 2, 60_000);
    expect(world.nowMs - wonAt).toBeGreaterThanOrEqual(30_000);
    expect(world.nowMs - wonAt).toBeLessThan(31_500);
  });

  it('lapses after its grant though its peer is back at once, without its agent', () => {
    const { world, worker } = granted();
    const grantedAt = world.published[0]?.at ?? 0;
    world.kill(worker);
    world.start(worker);
    world.until('the next attempt', () => world.started.length === 2, 60_000);
    expect(world.nowMs - grantedAt).toBeGreaterThanOrEqual(30_000 - 10);
  });

  it('tells the next attempt what it was about to push', () => {
    const { world, worker } = granted();
    world.kill(worker);
    world.until('the next attempt', () => world.started.length === 2, 60_000);
    expect(world.started.map(({ job }) => job.publication)).toEqual([null, { commit: someCommit, expectedTip: null }]);
  });

  it('keeps its attempt when the worker was only out of reach', () => {
    const { world, task, worker } = granted();
    world.cut([worker], others(world, worker));
    world.runFor(15_000);
    world.heal();
    world.runFor(5_000);
    const run = runOf(task, 1);
    world.report(worker, run, {
      type: 'published',
      result: { branch: 'peer/x', commit: someCommit, pullRequest: null },
      costUsd: 1,
    });
    untilPhase(world, task, 'done', 10_000);
    expect(world.started).toHaveLength(1);
    expect(stateAt(world, 'alpha', task)?.attempts[0]).toMatchObject({ costUsd: 1, outcome: { type: 'done' } });
  });
});

describe('publishing in two steps', () => {
  it('needs a fresh grant to open the pull request', () => {
    const commit = someCommit;
    const world = new World(five, {
      publish: (_job, step) =>
        step === 'push'
          ? [40, { type: 'ready', step: 'open', commit, expectedTip: commit }]
          : [
              40,
              {
                type: 'published',
                result: {
                  branch: 'peer/issue-7',
                  commit,
                  pullRequest: { number: 8, url: 'https://example.test/8', state: 'open' },
                },
                costUsd: null,
              },
            ],
    });
    const task = firstTask(world);
    untilPhase(world, task, 'done', 5_000);
    expect(world.published.map(({ step }) => step)).toEqual(['push', 'open']);
    const grants = world.sent.filter(({ message }) => message.type === 'publish-grant');
    expect(grants).toHaveLength(2);
    expect(stateAt(world, 'gamma', task)?.phase).toMatchObject({ result: { pullRequest: { number: 8 } } });
  });

  it('writes down a second commit before it is granted', () => {
    const second = 'd'.repeat(40) as CommitId;
    const world = new World(five, {
      publish: (_job, _step, _peer) => null,
      agent: () => [
        [500, readyToPush],
        [2_000, { type: 'ready', step: 'push', commit: second, expectedTip: someCommit }],
      ],
    });
    const task = firstTask(world);
    world.until('granted twice', () => world.published.length === 2);
    const kept = names.filter((name) =>
      world
        .stored(name)
        .registers.some(
          ({ task: id, register }) => id === task && register.accepted?.value.publication?.commit === second,
        ),
    );
    expect(kept.length).toBeGreaterThanOrEqual(3);
  });
});

describe('a worker that was superseded', () => {
  it('is granted nothing', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const world = new World(five, { seed, agent: () => [[9_000, readyToPush]] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.runFor(1_000);
      world.pause(worker);
      world.until('the next attempt', () => world.started.length === 2, 20_000);
      world.runFor(4_000);
      world.resume(worker);
      untilPhase(world, task, 'done', 40_000);
      expect(
        world.published.map(({ run }) => run),
        `seed ${seed}`,
      ).toEqual([runOf(task, 2)]);
    }
  });
});
