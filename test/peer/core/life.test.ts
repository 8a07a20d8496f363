import { describe, expect, it } from 'vitest';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { endlessAgent } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';

const five = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'].map((name) => ({ name }));

function submitted(world: World, key: string): TaskId {
  world.until('an answer to submit', () => world.replies.has(key));
  const reply = world.replies.get(key);
  if (reply?.type !== 'submitted') throw new Error(`answered ${JSON.stringify(reply)}`);
  return reply.task;
}

describe('a task among five peers', () => {
  it('goes from submitted to done, and every peer knows it', () => {
    const world = new World(five);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha'));
    world.until('done everywhere', () => five.every(({ name }) => world.task(name, task)?.state.phase.name === 'done'));
    expect(world.task('beta', task)?.state.attempts).toHaveLength(1);
    expect(world.published.map(({ step }) => step)).toEqual(['push']);
  });

  it('goes to the specialist', () => {
    const world = new World([...five.slice(0, 4), { name: 'epsilon', specialties: ['backend'] }]);
    world.runFor(100);
    const requires = { specialties: ['backend'], explicit: false, reason: 'label backend' };
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('assigned', () => world.running('epsilon').length === 1);
    expect(world.running('epsilon')[0]?.task.id).toBe(task);
  });

  it('starts the work again elsewhere half a second after its worker was killed', () => {
    const world = new World(five, { agent: endlessAgent });
    world.runFor(100);
    submitted(world, world.submit('alpha'));
    const workers = () => five.filter(({ name }) => world.running(name).length > 0).map(({ name }) => name);
    world.until('work begins', () => workers().length === 1);
    const first = workers()[0] ?? '';
    world.kill(first);
    const killedAt = world.nowMs;
    // The leader may have died with it; then the lease must run out first.
    world.until('work begins elsewhere', () => workers().length === 1, 8_000);
    expect(world.nowMs - killedAt).toBeLessThan(8_000);
    expect(workers()[0]).not.toBe(first);
  });
});

describe('a task among twenty-four peers', () => {
  it('is known to all of them by gossip', () => {
    const many = Array.from({ length: 24 }, (_, index) => ({ name: `peer${'abcdefghijkmnopqrstuvwxyz'[index]}` }));
    const world = new World(many);
    world.runFor(100);
    const task = submitted(world, world.submit('peera'));
    world.until(
      'done everywhere',
      () => many.every(({ name }) => world.task(name, task)?.state.phase.name === 'done'),
      5_000,
    );
    expect(world.task('peerb', task)?.electors).toHaveLength(5);
    expect(world.started).toHaveLength(1);
  });
});
