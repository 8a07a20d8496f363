import { describe, expect, it } from 'vitest';
import { submitted } from '../peer/core/support.ts';
import { readyToPush } from './script.ts';
import { World } from './world.ts';

const three = ['alpha', 'beta', 'gamma'].map((name) => ({ name }));

describe('a virtual PC', () => {
  it('that sleeps does nothing meanwhile, and its core hears of it first', () => {
    const world = new World(three.slice(0, 1), { agent: () => [[10_000, readyToPush]] });
    world.runFor(100);
    submitted(world, world.submit('alpha'));
    world.until('it works', () => world.started.length === 1);
    world.runFor(2_000);
    const wallMs = world.wallMs('alpha');
    const leasesBefore = world.events.filter(({ event }) => event.type === 'lease').length;
    world.sleep('alpha');
    world.runFor(20_000);
    expect(world.published).toEqual([]);
    world.wake('alpha');
    expect(world.wallMs('alpha') - wallMs).toBe(20_000);
    world.until('published', () => world.published.length === 1, 60_000);
    const leases = world.events.flatMap(({ event }) => (event.type === 'lease' ? [event.change] : []));
    expect(leases[leasesBefore]).toBe('lost');
    expect((world.published[0]?.at ?? 0) - (world.started[0]?.at ?? 0)).toBeGreaterThanOrEqual(30_000);
  });

  it('that dies in the middle of a step has done the first part of it only', () => {
    const world = new World(three.slice(0, 1));
    world.runFor(100);
    world.doom('alpha', 0);
    world.submit('alpha');
    expect(world.isUp('alpha')).toBe(false);
    expect(world.replies.size).toBe(0);
    expect(world.stored('alpha').tasks).toEqual([]);
    world.start('alpha');
    world.doom('alpha', 0.999);
    world.submit('alpha');
    expect(world.isUp('alpha')).toBe(false);
  });

  it('that says goodbye exits once it is drained', () => {
    const world = new World(three, { agent: () => [] });
    world.runFor(100);
    submitted(world, world.submit('alpha'));
    world.until('somebody works', () => world.started.length === 1);
    const worker = world.started[0]?.peer ?? '';
    world.leave(worker);
    world.until('it is gone', () => !world.isUp(worker), 9_000);
    expect(world.ended[0]).toMatchObject({ peer: worker });
    world.until('another works', () => world.started.length === 2, 10_000);
  });

  it('has clocks of its own', () => {
    const world = new World([
      { name: 'alpha', rate: 1.04 },
      { name: 'beta', rate: 0.96, wallOffsetMs: 5_000 },
    ]);
    const [alpha, beta] = [world.wallMs('alpha'), world.wallMs('beta')];
    world.runFor(100_000);
    expect(beta - alpha).toBe(5_000);
    expect(world.wallMs('alpha') - alpha).toBe(104_000);
    expect(world.wallMs('beta') - beta).toBe(96_000);
  });
});
