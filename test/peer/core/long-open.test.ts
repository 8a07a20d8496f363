import { describe, expect, it } from 'vitest';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { promptKey } from '../../../src/protocol/record.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';
import { type AgentScript, quickAgent } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { electorsOf, phaseAt, submitted, workerOf } from './support.ts';

const names = ['alpha', 'beta', 'gamma'] as const;
const keptMs = 120_000;
const timing = { keepFinishedMs: keptMs };
const requires = { specialties: ['rocketry'], explicit: true, reason: 'a person said so' };
const rocketeer = { name: 'rocketeer', specialties: ['rocketry'] };

/** Only the rocketeer can do it, and has time for nothing but what it does. */
function openForLong(...more: readonly string[]): {
  readonly world: World;
  readonly task: TaskId;
  start(by?: string): void;
} {
  const agent: AgentScript = (job, peer) => (job.task.body.title === 'endless' ? [] : quickAgent(job, peer));
  const later = more.map((name) => ({ name, later: true }));
  const world = new World([...names.map((name) => ({ name })), rocketeer, ...later], { timing, agent });
  world.runFor(100);
  const endless = submitted(world, world.submit('alpha', { requires, title: 'endless', key: promptKey('endless') }));
  expect(workerOf(world, endless)).toBe('rocketeer');
  const task = submitted(world, world.submit('alpha', { requires }));
  world.runFor(keptMs);
  expect(phaseAt(world, 'alpha', task)).toBe('open');
  const start = (by = 'alpha'): void => void world.command(by, { type: 'cancel', task: endless, reason: 'enough' });
  return { world, task, start };
}

const untilDone = (world: World, task: TaskId, name = 'alpha'): void =>
  world.until('done', () => world.phase(name, task) === 'done', 60_000);

describe('a task that has waited for longer than an ended one is kept', () => {
  it('starts as soon as one of the PCs that know it can do it', () => {
    const { world, task, start } = openForLong();
    start();
    world.until('at work', () => phaseAt(world, 'alpha', task) === 'assigned', 2 * defaultTiming.offerMs);
    untilDone(world, task);
  });

  it('is kept for as long as any other once it has ended', () => {
    const { world, task, start } = openForLong();
    start();
    untilDone(world, task);
    world.runFor(keptMs - 10_000);
    for (const name of names) expect(phaseAt(world, name, task)).toBe('done');
    world.runFor(20_000);
    for (const name of names) expect(world.task(name, task)).toBeNull();
  });

  it('is known to who joins once it has ended, by what came of it', () => {
    const { world, task, start } = openForLong('delta');
    start();
    untilDone(world, task);
    world.start('delta');
    untilDone(world, task, 'delta');
    expect(phaseAt(world, 'alpha', task)).toBe('done');
    world.runFor(1_000);
    const from = world.sent.length;
    world.runFor(keptMs - 30_000);
    const compared = world.sent.slice(from).map(({ message }) => message.type);
    expect(compared.filter((type) => type.startsWith('sync-') && type !== 'sync-root')).toEqual([]);
  });

  it('moves to PCs that have never heard of it', () => {
    const newcomers = ['delta', 'epsilon', 'zeta'];
    const { world, task, start } = openForLong(...newcomers);
    for (const [index, name] of newcomers.entries()) {
      world.start(name);
      world.runFor(1_000);
      world.leave(names[index] ?? '');
      world.runFor(2 * defaultTiming.healAfterMs);
    }
    expect(electorsOf(world, task).filter((name) => newcomers.includes(name)).length).toBeGreaterThanOrEqual(2);
    start('rocketeer');
    untilDone(world, task, 'zeta');
  });
});
