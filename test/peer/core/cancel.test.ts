import { describe, expect, it } from 'vitest';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { messages } from '../../protocol/samples.ts';
import { endlessAgent, neverPublishes, publishesAtOnce } from '../../sim/script.ts';
import { peerIdOf, World } from '../../sim/world.ts';
import {
  electorsOf,
  firstTask,
  five,
  leaderOf,
  names,
  others,
  phaseAt,
  runOf,
  submitted,
  untilPhase,
  workerOf,
} from './support.ts';

const cancel = (world: World, name: string, task: TaskId): string =>
  world.command(name, { type: 'cancel', task, reason: 'a person asked' });

describe('cancel', () => {
  it('ends an open task at all peers, though nobody leads it while it waits', () => {
    const world = new World(five);
    world.runFor(100);
    const requires = { specialties: ['frontend'], explicit: true, reason: 'asked for' };
    const task = submitted(world, world.submit('alpha', { requires }));
    world.until('stalled', () => names.every((name) => world.task(name, task)?.stalled !== null), 10_000);
    expect(world.reply(cancel(world, 'beta', task), 1_000)).toEqual({ type: 'cancelled' });
    untilPhase(world, task, 'cancelled', 1_000);
    expect(world.task('gamma', task)?.state.phase).toEqual({
      name: 'cancelled',
      reason: 'a person asked',
      duplicateOf: null,
    });
  });

  it('stops the agent of an assigned task, wherever it is asked', () => {
    for (const asked of names) {
      const world = new World(five, { agent: () => [] });
      const task = firstTask(world);
      const worker = workerOf(world, task);
      world.runFor(2_000);
      expect(world.reply(cancel(world, asked, task), 1_000)).toEqual({ type: 'cancelled' });
      untilPhase(world, task, 'cancelled', 1_000);
      world.until('the agent is gone', () => world.running(worker).length === 0, 1_000);
      expect(world.stopped.map(({ peer, run }) => [peer, run])).toEqual([[worker, runOf(task, 1)]]);
      world.runFor(20_000);
      expect(world.started).toHaveLength(1);
      expect(phaseAt(world, asked, task)).toBe('cancelled');
    }
  });

  it('frees the slot for the next task', () => {
    const world = new World(five.slice(0, 1), { agent: () => [] });
    world.runFor(100);
    const first = submitted(world, world.submit('alpha'));
    workerOf(world, first);
    const second = submitted(world, world.submit('alpha'));
    world.reply(cancel(world, 'alpha', first));
    expect(workerOf(world, second, 2_000)).toBe('alpha');
  });

  it('is refused once the result is on its way', () => {
    const world = new World(five, { publish: neverPublishes });
    const task = firstTask(world);
    world.until('granted', () => world.published.length === 1);
    expect(world.reply(cancel(world, 'delta', task), 1_000)).toEqual({ type: 'publishing' });
    expect(phaseAt(world, 'delta', task)).toBe('publishing');
    expect(world.stopped).toEqual([]);
  });

  it('that was refused is not remembered: the task goes on though that result never comes', () => {
    const world = new World(five, {
      publish: (job, ...rest) => (job.attempt === 1 ? null : publishesAtOnce(job, ...rest)),
    });
    const task = firstTask(world);
    world.until('granted', () => world.published.length === 1);
    const worker = workerOf(world, task);
    expect(world.reply(cancel(world, others(world, worker)[0] ?? '', task), 1_000)).toEqual({ type: 'publishing' });
    world.kill(worker);
    world.until('the next attempt', () => world.started.length === 2, 60_000);
    world.kill(leaderOf(world, task) ?? '');
    untilPhase(world, task, 'done', 60_000);
  });

  it('is pending without a quorum, and done once there is one again', () => {
    const world = new World(five, { agent: () => [] });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    const asked = others(world, worker)[0] ?? '';
    const gone = others(world, worker, asked);
    for (const name of gone) world.kill(name);
    const askedAt = world.nowMs;
    expect(world.reply(cancel(world, asked, task))).toEqual({ type: 'cancel-pending' });
    expect(world.nowMs - askedAt).toBeGreaterThan(9_000);
    for (const name of gone) world.start(name);
    untilPhase(world, task, 'cancelled', 10_000);
    world.until('the agent is gone', () => world.running(worker).length === 0, 2_000);
  });

  it('that waits is shown, and taken back by who adopts the task: it goes on', () => {
    const world = new World(five, { agent: () => [] });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    const asked = others(world, worker)[0] ?? '';
    const gone = others(world, worker, asked);
    for (const name of gone) world.kill(name);
    expect(world.reply(cancel(world, asked, task))).toEqual({ type: 'cancel-pending' });
    expect(world.task(asked, task)?.cancelPending).toBe(true);
    expect(world.reply(world.command(asked, { type: 'adopt', task }))).toMatchObject({ type: 'adopted' });
    expect(world.task(asked, task)?.cancelPending).toBe(false);
    world.runFor(30_000);
    expect(phaseAt(world, asked, task)).toBe('assigned');
    for (const name of gone) world.start(name);
    world.runFor(30_000);
    expect(phaseAt(world, asked, task)).toBe('assigned');
    expect(world.reply(cancel(world, asked, task), 1_000)).toEqual({ type: 'cancelled' });
  });

  it('says what it cannot do: a task unknown, or one that has ended', () => {
    const world = new World(five);
    world.runFor(100);
    expect(world.reply(cancel(world, 'alpha', 'f'.repeat(64) as TaskId))).toEqual({ type: 'unknown-task' });
    const task = submitted(world, world.submit('alpha'));
    untilPhase(world, task, 'done');
    expect(world.reply(cancel(world, 'beta', task))).toEqual({ type: 'ended' });
    expect(phaseAt(world, 'beta', task)).toBe('done');
  });

  it('is answered when the task ends by itself meanwhile', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new World(five, { seed });
      const task = firstTask(world);
      world.until('done somewhere', () => names.some((name) => phaseAt(world, name, task) === 'done'));
      for (const name of names) {
        expect(['ended', 'publishing']).toContain(world.reply(cancel(world, name, task), 2_000).type);
      }
    }
  });

  it('is answered when it comes true, and is pruned, while it is under way', () => {
    const world = new World(five, { agent: endlessAgent });
    const task = firstTask(world);
    workerOf(world, task);
    world.cut(['alpha'], names.slice(1));
    const asked = cancel(world, 'alpha', task);
    const sample = messages.tombstone.tombstone;
    const end = { name: 'cancelled', reason: 'enough', duplicateOf: null } as const;
    const tombstone = { ...sample, task, end, stamp: { ...sample.stamp, ended: 1 } };
    world.input('alpha', { type: 'message', from: peerIdOf('beta'), message: { type: 'tombstone', tombstone } });
    expect(world.reply(asked)).toEqual({ type: 'cancelled' });
  });

  it('reaches a leader that has just come to power', () => {
    const world = new World(five, { agent: () => [] });
    const task = firstTask(world);
    const worker = workerOf(world, task);
    world.runFor(1_000);
    const leader = world.nameOf(world.task('alpha', task)?.leader ?? ('' as never));
    if (leader !== worker) world.kill(leader);
    const asked = electorsOf(world, task).find((name) => name !== leader && name !== worker) ?? '';
    expect(world.reply(cancel(world, asked, task), 9_000)).toEqual({ type: 'cancelled' });
  });
});
