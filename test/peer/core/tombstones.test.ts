import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/peer/core/digest.ts';
import { tickMs } from '../../../src/peer/core/housekeeping.ts';
import { Step } from '../../../src/peer/core/step.ts';
import { Tombstones } from '../../../src/peer/core/tombstones.ts';
import { monoMs, type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import { Limits } from '../../../src/protocol/limits.ts';
import { promptKey } from '../../../src/protocol/record.ts';
import type { Tombstone } from '../../../src/protocol/tombstone.ts';
import { hello, messages } from '../../protocol/samples.ts';
import { type AgentScript, draftOf, endlessAgent, quickAgent } from '../../sim/script.ts';
import { peerIdOf, World } from '../../sim/world.ts';
import { leaderOf, phaseAt, submitted, untilPhase, workerOf } from './support.ts';

const three = ['alpha', 'beta', 'gamma'].map((name) => ({ name }));
const later = { name: 'delta', later: true };
const keptMs = 120_000;
const timing = { keepFinishedMs: keptMs };
const key = promptKey('the same');

/** The older, the smaller the number. */
const buriedAt = (index: number): Tombstone => ({
  ...messages.tombstone.tombstone,
  task: index.toString(16).padStart(64, '0') as TaskId,
  key: promptKey(`${index % 100}`),
  createdAt: wallMs(1_000 + index),
});

const forgottenBy = (world: World, task: TaskId, name: string): boolean => world.task(name, task) === null;

function untilPruned(world: World, task: TaskId, ...names: readonly string[]): void {
  world.until('pruned', () => names.every((name) => forgottenBy(world, task, name)), 2 * keptMs);
}

/** A world in which the key's first task was done and is pruned. */
function longAfter(world: World): TaskId {
  world.runFor(100);
  const task = submitted(world, world.submit('alpha', { key }));
  untilPhase(world, task, 'done');
  untilPruned(world, task, ...world.names.filter((name) => world.isUp(name)));
  return task;
}

describe('a key whose task was pruned', () => {
  it('returns that task, and goes on with the next round where a person wants it again', () => {
    const world = new World(three, { timing });
    const first = longAfter(world);
    expect(world.reply(world.submit('beta', { key }))).toEqual({ type: 'existing', task: first, ended: true });
    const second = submitted(world, world.submit('beta', { key }, true));
    expect(world.task('beta', second)?.task.body.round).toBe(2);
    untilPhase(world, second, 'done');
    untilPruned(world, second, 'beta');
    expect(world.reply(world.submit('gamma', { key }))).toEqual({ type: 'existing', task: second, ended: true });
    const third = submitted(world, world.submit('gamma', { key }, true));
    expect(world.task('gamma', third)?.task.body.round).toBe(3);
  });

  it('does so after a restart, and on a PC that has joined since', () => {
    const world = new World([...three, later], { timing });
    const first = longAfter(world);
    for (const { name } of three) world.exit(name);
    world.start('alpha');
    expect(world.reply(world.submit('alpha', { key }))).toEqual({ type: 'existing', task: first, ended: true });
    world.start('delta');
    world.runFor(1_000);
    expect(world.reply(world.submit('delta', { key }))).toEqual({ type: 'existing', task: first, ended: true });
  });

  it('is told to a client with what came of it', () => {
    const world = new World(three, { timing });
    const task = longAfter(world);
    const message = { type: 'submit', request: 'r', draft: draftOf({ key }), again: false } as const;
    const from = world.sent.length;
    world.input('alpha', { type: 'message', from: peerIdOf('beta'), message });
    world.runFor(100);
    const answers = world.sent.slice(from).map(({ message }) => message);
    expect(answers).toContainEqual(expect.objectContaining({ type: 'tombstone' }));
    const reply = { type: 'existing', task, ended: true };
    expect(answers).toContainEqual({ type: 'submit-answer', request: 'r', reply });
  });

  it('is not asked for a second time by a twin from another side of a cut', () => {
    const world = new World([...three, later], {
      timing,
      agent: (job, peer) => (job.task.body.title === 'late' ? [] : quickAgent(job, peer)),
    });
    const first = longAfter(world);
    world.cut(['delta'], ['alpha', 'beta', 'gamma']);
    world.start('delta');
    const twin = submitted(world, world.submit('delta', { key, title: 'late' }));
    world.until('it is under way', () => phaseAt(world, 'delta', twin) === 'assigned');
    world.heal();
    untilPhase(world, twin, 'cancelled');
    expect(world.task('delta', twin)?.state.phase).toMatchObject({ duplicateOf: first });
  });
});

describe('a key whose result is pruned, and whose twin gave way', () => {
  it('is answered with the result, and goes on with the next round', () => {
    const agent: AgentScript = (job, peer) => (job.task.body.title === 'late' ? [] : quickAgent(job, peer));
    const world = new World([...three, later], { timing, agent });
    const first = longAfter(world);
    world.cut(['delta'], ['alpha', 'beta', 'gamma']);
    world.start('delta');
    const twin = submitted(world, world.submit('delta', { key, title: 'late' }));
    world.until('under way', () => phaseAt(world, 'delta', twin) === 'assigned');
    world.heal();
    untilPhase(world, twin, 'cancelled');
    expect(world.reply(world.submit('beta', { key }))).toEqual({ type: 'existing', task: first, ended: true });
    const second = submitted(world, world.submit('beta', { key }, true));
    expect(world.task('beta', second)?.task.body.round).toBe(2);
  });
});

describe('a pruned task', () => {
  it('leaves what came of it', () => {
    const world = new World(three, { timing });
    const task = longAfter(world);
    for (const { name } of three) {
      expect(world.phase(name, task)).toBe('done');
      const tombstone = world.tombstone(name, task);
      expect(tombstone).toMatchObject({ task, key, round: 1, title: 'Fix the greeting', end: { name: 'done' } });
      expect(tombstone?.createdAt).toBeLessThanOrEqual(world.wallMs(name) - keptMs);
    }
    const said = ['cancel', 'adopt'].map((type) =>
      world.reply(world.command('beta', { type, task, reason: 'enough' } as Parameters<World['command']>[1])),
    );
    expect(said).toEqual([{ type: 'ended' }, { type: 'ended' }]);
  });

  it('is not sent again, nor asked for, while another PC has not pruned it', () => {
    const aheadMs = keptMs / 2;
    const world = new World([{ name: 'alpha', wallOffsetMs: aheadMs }, { name: 'beta' }], { timing });
    world.runFor(100);
    const task = submitted(world, world.submit('beta', { key }));
    untilPruned(world, task, 'alpha');
    expect(phaseAt(world, 'beta', task)).toBe('done');
    const from = world.sent.length;
    world.runFor(aheadMs - 10_000);
    expect(phaseAt(world, 'beta', task)).toBe('done');
    untilPruned(world, task, 'beta');
    world.runFor(80_000);
    expect(new Set(world.sent.slice(from).map(({ message }) => message.type))).toEqual(new Set(['sync-root']));
  });
});

describe('a tombstone', () => {
  const sample = messages.tombstone.tombstone;

  /** Delta has buried, by another's word, what the others know as done. */
  function buried() {
    const world = new World([{ name: 'alpha' }, { name: 'beta' }, later]);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { key }));
    untilPhase(world, task, 'done');
    const record = world.task('alpha', task)?.task;
    world.cut(['delta'], ['alpha', 'beta']);
    world.start('delta');
    const tell = (tombstone: Tombstone): void =>
      world.input('delta', { type: 'message', from: peerIdOf('beta'), message: { type: 'tombstone', tombstone } });
    tell({ ...sample, task, key, round: 1 });
    if (record === undefined) throw new Error('it is not known');
    return { world, task, record, tell };
  }

  it('stands for its task, whose record is answered with it and not taken in again', () => {
    const { world, task, record } = buried();
    const from = world.sent.length;
    world.input('delta', { type: 'message', from: peerIdOf('beta'), message: { type: 'task', task: record } });
    expect(world.task('delta', task)).toBeNull();
    expect(world.sent.slice(from).map(({ message }) => message.type)).toEqual(['tombstone']);
  });

  it('gives way to one that says more, and to no other, whichever comes first', () => {
    const end = { name: 'cancelled', reason: 'enough', duplicateOf: null } as const;
    const less: Tombstone = { ...sample, end, stamp: { ...sample.stamp, ended: 1 } };
    const result = { branch: 'b', commit: null, pullRequest: null };
    const more: Tombstone = { ...sample, end: { name: 'done', result }, stamp: { ...sample.stamp, ended: 2 } };
    for (const order of [
      [less, more],
      [more, less],
    ]) {
      const kept = new Tombstones({ tombstones: [] });
      const step = new Step({ monoMs: monoMs(0), wallMs: wallMs(0) });
      for (const tombstone of order) kept.lay(tombstone, step);
      expect(kept.all()).toEqual([more]);
      expect(step.effects.at(-1)).toMatchObject({ record: { kind: 'tombstone', tombstone: more } });
    }
  });

  it('of a result ends a twin that only waits, at once', () => {
    const world = new World([{ name: 'alpha' }]);
    world.runFor(100);
    const requires = { specialties: ['rocketry'], explicit: true, reason: 'a person said so' };
    const twin = submitted(world, world.submit('alpha', { key, requires }));
    world.until('it only waits', () => world.task('alpha', twin)?.stalled !== null && leaderOf(world, twin) === null);
    // Nothing that is done every few seconds is due.
    world.runFor(tickMs + 1_000 - (world.nowMs % tickMs));
    const tombstone: Tombstone = {
      ...sample,
      ...{ key, round: 1, stamp: { ...sample.stamp, ended: 2 } },
      end: { name: 'done', result: { branch: 'b', commit: null, pullRequest: null } },
    };
    world.input('alpha', { type: 'message', from: peerIdOf('beta'), message: { type: 'tombstone', tombstone } });
    world.until('it gives way', () => phaseAt(world, 'alpha', twin) === 'cancelled', 1_000);
    expect(world.task('alpha', twin)?.state.phase).toMatchObject({ duplicateOf: sample.task });
  });
});

describe('a tombstone of the life that lost', () => {
  it('gives way to the result that other PCs still have', () => {
    const world = new World([{ name: 'alpha' }, { name: 'beta' }, later]);
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { key }));
    untilPhase(world, task, 'done');
    world.cut(['delta'], ['alpha', 'beta']);
    world.start('delta');
    const sample = messages.tombstone.tombstone;
    const end = { name: 'cancelled', reason: 'enough', duplicateOf: null } as const;
    const tombstone: Tombstone = { ...sample, task, key, round: 1, end, stamp: { ...sample.stamp, ended: 1 } };
    world.input('delta', { type: 'message', from: peerIdOf('beta'), message: { type: 'tombstone', tombstone } });
    expect(world.phase('delta', task)).toBe('cancelled');
    world.heal();
    world.until('it knows better', () => world.phase('delta', task) === 'done', 120_000);
    expect(world.tombstone('delta', task)).toMatchObject({ task, key, round: 1, end: { name: 'done' } });
  });
});

describe('a PC that comes back long after', () => {
  it('learns what came of the task that it knew as open, and leads it no more', () => {
    const world = new World(three, { timing, agent: endlessAgent });
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { key }));
    world.until('it is under way', () => world.started.length === 1);
    world.kill('gamma');
    world.command('alpha', { type: 'cancel', task, reason: 'enough' });
    untilPruned(world, task, 'alpha', 'beta');
    const from = world.sent.length;
    world.start('gamma');
    world.until('it knows', () => world.phase('gamma', task) === 'cancelled', 1_000);
    expect(forgottenBy(world, task, 'gamma')).toBe(true);
    world.runFor(60_000);
    expect(leaderOf(world, task)).toBeNull();
    expect(world.started).toHaveLength(1);
    const said = world.sent.slice(from).filter(({ at }) => at > world.nowMs - 50_000);
    expect(new Set(said.map(({ message }) => message.type))).toEqual(new Set(['sync-root']));
    world.exit('gamma');
    expect(world.stored('gamma')).toMatchObject({ tasks: [], registers: [], tombstones: [{ task }] });
  });

  it('stops the agent that it had', () => {
    const world = new World(three, { timing, agent: endlessAgent });
    world.runFor(100);
    const task = submitted(world, world.submit('alpha', { key }));
    const worker = workerOf(world, task);
    const others = world.names.filter((name) => name !== worker);
    const cut = world.cut([worker], others);
    world.until('it goes on elsewhere', () => world.started.length === 2);
    world.command(others[0] ?? '', { type: 'cancel', task, reason: 'enough' });
    untilPruned(world, task, ...others);
    expect(world.running(worker)).toHaveLength(1);
    world.heal(cut);
    world.until('it stops', () => world.running(worker).length === 0, 2_000);
    expect(world.phase(worker, task)).toBe('cancelled');
    expect(world.held(worker)).toMatchObject({ worker: 0, seats: 0, registers: 0, leaders: 0 });
  });
});

describe('of more tasks than tombstones are kept of', () => {
  const older = Array.from({ length: Limits.tombstones + 1_000 }, (_, index) => buriedAt(index));
  const tasksOf = (stored: Iterable<Tombstone>): readonly TaskId[] => [...stored].map(({ task }) => task).sort();
  const newest = tasksOf(older.slice(-Limits.tombstones));

  /** What is kept in memory and on the disk of those that came in this order. */
  function laid(tombstones: readonly Tombstone[]): { memory: readonly TaskId[]; disk: readonly TaskId[] } {
    const kept = new Tombstones({ tombstones: [] });
    const step = new Step({ monoMs: monoMs(0), wallMs: wallMs(0) });
    for (const tombstone of tombstones) kept.lay(tombstone, step);
    const disk = new Map<TaskId, Tombstone>();
    for (const effect of step.effects) {
      if (effect.type !== 'persist') continue;
      if (effect.record.kind === 'tombstone') disk.set(effect.record.tombstone.task, effect.record.tombstone);
      if (effect.record.kind === 'forget-tombstone') disk.delete(effect.record.task);
    }
    return { memory: tasksOf(kept.all()), disk: tasksOf(disk.values()) };
  }

  it('the newest are kept, whatever the order in which they are heard of', () => {
    for (const order of [older, older.toReversed(), [...older.slice(3_000), ...older.slice(0, 3_000)]])
      expect(laid(order)).toEqual({ memory: newest, disk: newest });
  });
});

describe('a peer of an earlier minor, which prunes without a tombstone', () => {
  it('compares with the others as before, and is sent none', () => {
    const world = new World(three, { timing });
    longAfter(world);
    const from = world.sent.length;
    const old = { ...hello, minor: 0, advert: { ...hello.advert, name: 'beta', peer: peerIdOf('beta') } };
    world.input('alpha', { type: 'peer-up', peer: peerIdOf('beta'), hello: old });
    world.runFor(200);
    const said = world.sent.slice(from).filter(({ from: sender, to }) => sender === 'alpha' && to === 'beta');
    expect(said.map(({ message }) => message)).toContainEqual({ type: 'sync-root', root: digestOf([]).root });
    expect(said.map(({ message }) => message.type)).not.toContain('tombstone');
  });
});
