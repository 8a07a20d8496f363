import { describe, expect, it } from 'vitest';
import { promptKey } from '../../../src/protocol/record.ts';
import { isTerminal } from '../../../src/protocol/state.ts';
import { violations } from '../../sim/oracles.ts';
import { readyToPush } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { five, names } from './support.ts';

const key = promptKey('the same');

/** One task is done, all others ended as its duplicates, and every peer says so. */
function expectOneResult(world: World, seed: number): void {
  world.until(
    'every task has ended, everywhere',
    () =>
      names.every((name) => {
        const tasks = world.tasks(name);
        return tasks.length > 0 && tasks.every(({ state }) => isTerminal(state));
      }),
    90_000,
  );
  for (const name of names) {
    const views = world.tasks(name);
    const done = views.filter(({ state }) => state.phase.name === 'done').map(({ task }) => task.id);
    expect(done, `seed ${seed}, at ${name}`).toHaveLength(1);
    const duplicates = views.flatMap(({ state }) =>
      state.phase.name === 'cancelled' ? [state.phase.duplicateOf] : [],
    );
    expect(duplicates, `seed ${seed}, at ${name}`).toEqual(Array.from({ length: views.length - 1 }, () => done[0]));
  }
  expect(violations(world), `seed ${seed}`).toEqual([]);
}

describe('one key, submitted on every peer', () => {
  it('at the same moment ends with one result, and never with none', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = new World(five, { seed, agent: () => [[(seed * 37) % 1_500, readyToPush]] });
      world.runFor(100);
      for (const name of names) world.submit(name, { key });
      world.runFor(1_000);
      expectOneResult(world, seed);
      expect(new Set(world.published.map(({ run }) => run)).size, `seed ${seed}`).toBe(1);
    }
  });

  it('some milliseconds apart ends with one result', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const world = new World(five, { seed, agent: () => [[(seed * 91) % 800, readyToPush]] });
      world.runFor(100);
      for (const name of names) {
        world.submit(name, { key });
        world.runFor((seed % 7) * 0.7);
      }
      expectOneResult(world, seed);
    }
  });

  it('on both sides of a cut ends with the one that got further', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed, agent: () => [[1_000, readyToPush]] });
      world.runFor(100);
      world.cut(['alpha', 'beta'], ['gamma', 'delta', 'epsilon']);
      world.runFor(10_000);
      world.submit('alpha', { key });
      world.runFor((seed * 333) % 2_500);
      world.submit('gamma', { key });
      world.runFor((seed * 217) % 900);
      world.heal();
      world.until('both are known', () => names.every((name) => world.tasks(name).length === 2), 40_000);
      world.until(
        'both have ended',
        () => names.every((name) => world.tasks(name).every(({ state }) => isTerminal(state))),
        90_000,
      );
      const phases = new Set(
        names.map((name) =>
          world
            .tasks(name)
            .map(({ state }) => state.phase.name)
            .join(),
        ),
      );
      expect(phases.size, `seed ${seed}`).toBe(1);
      expect([...phases].join(), `seed ${seed}`).toContain('done');
    }
  });

  it('is cancelled with the reason, and its agent stopped', () => {
    const world = new World(five, { agent: () => [] });
    world.runFor(100);
    world.cut(['alpha', 'beta'], ['gamma', 'delta', 'epsilon']);
    world.runFor(10_000);
    world.submit('alpha', { key });
    world.submit('gamma', { key });
    world.until('both work', () => names.filter((name) => world.running(name).length > 0).length === 2);
    world.heal();
    world.until('one works', () => names.filter((name) => world.running(name).length > 0).length === 1);
    world.until('known to all', () =>
      names.every((name) => world.tasks(name).filter(({ state }) => state.phase.name === 'cancelled').length === 1),
    );
    const [winner] = world.tasks('beta').filter(({ state }) => state.phase.name === 'assigned');
    const [loser] = world.tasks('beta').filter(({ state }) => state.phase.name === 'cancelled');
    expect(loser?.state.phase).toMatchObject({
      duplicateOf: winner?.task.id,
      reason: `the same as task ${winner?.task.id.slice(0, 8)}`,
    });
    world.runFor(10_000);
    expect(names.flatMap((name) => world.running(name).map(({ task }) => task.id))).toEqual([winner?.task.id]);
  });
});
