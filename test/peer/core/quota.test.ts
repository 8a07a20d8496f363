import { describe, expect, it } from 'vitest';
import type { AgentReport } from '../../../src/protocol/agent.ts';
import { type BlobId, type CommitId, type TaskId, type WallMs, wallMs } from '../../../src/protocol/ids.ts';
import type { Checkpoint } from '../../../src/protocol/state.ts';
import { violations } from '../../sim/oracles.ts';
import { type AgentScript, endlessAgent, quickAgent, readyToPush, someCommit } from '../../sim/script.ts';
import { World } from '../../sim/world.ts';
import { firstTask, outcomes, phaseAt, runOf, stateAt, submitted, untilPhase, workerOf, workersOf } from './support.ts';

const electors = ['gamma', 'delta', 'epsilon'].map((name) => ({ name, capacity: 0 }));

const saved = (attempt: number): Checkpoint => ({
  ...{ blob: `${attempt}`.repeat(64) as BlobId, bytes: 1_000, base: someCommit, commit: 'd'.repeat(40) as CommitId },
  ...{ attempt, number: 1, finished: false, session: null, at: wallMs(1_000) },
});

const quota = (until: WallMs | null, reason = 'session limit'): AgentReport => ({
  ...{ type: 'quota', until, reason, costUsd: null },
});

/** By this peer's wall clock. */
const inMs = (world: World, name: string, ms: number): WallMs => wallMs(world.wallMs(name) + ms);

/** Two attempts at work on alpha, and beta, which has come later and does nothing. What is stopped is saved first. */
function twoAtWork(agent: AgentScript = endlessAgent) {
  const world = new World([{ name: 'alpha', capacity: 2 }, { name: 'beta', capacity: 2, later: true }, ...electors], {
    agent,
    stop: ({ attempt }) => [
      [200, { type: 'checkpoint', checkpoint: saved(attempt) }],
      [5, { type: 'stopped' }],
    ],
  });
  world.runFor(100);
  const tasks = ['gamma', 'delta'].map((name) => submitted(world, world.submit(name))) as [TaskId, TaskId];
  world.until('both are at work', () => world.running('alpha').length === 2);
  world.start('beta');
  world.runFor(2_000);
  return { world, tasks };
}

const startsOn = (world: World, name: string): number => world.started.filter(({ peer }) => peer === name).length;
const stallAt = (world: World, name: string, task: TaskId): string | null => world.task(name, task)?.stalled ?? null;

describe('a peer that hits a usage limit in mid-task', () => {
  it('hands over all that it runs within five seconds, from fresh checkpoints, and bids again after the reset', () => {
    const { world, tasks } = twoAtWork();
    const [limited, other] = tasks;
    const metAt = world.nowMs;
    const until = inMs(world, 'alpha', 60_000);
    world.report('alpha', runOf(limited, 1), quota(until));
    world.until('both go on elsewhere', () => world.running('beta').length === 2, 5_000);
    expect(world.stopped).toMatchObject([{ peer: 'alpha', run: runOf(other, 1), reason: 'quota' }]);
    const resumed = world.started.find(({ job, peer }) => peer === 'beta' && job.task.id === other);
    expect(resumed?.job.checkpoint).toEqual(saved(1));
    world.runFor(1_000);
    for (const task of tasks) {
      expect(outcomes(stateAt(world, 'gamma', task))).toEqual(['quota', null]);
      expect(stateAt(world, 'gamma', task)).toMatchObject({ failures: 0, lapses: 0 });
      expect(stateAt(world, 'gamma', task)?.attempts[0]?.outcome).toMatchObject({ until, reason: 'session limit' });
    }
    const waiting = submitted(world, world.submit('gamma'));
    world.until('it waits', () => stallAt(world, 'gamma', waiting) !== null, 10_000);
    expect(stallAt(world, 'gamma', waiting)).toContain('1 × quota (session limit, until 2025-06-15T15:');
    world.until('it is taken', () => workersOf(world, waiting).length === 1, 70_000);
    expect(workersOf(world, waiting)).toEqual(['alpha']);
    expect(world.nowMs - metAt).toBeGreaterThanOrEqual(60_000);
    expect(world.nowMs - metAt).toBeLessThan(66_000);
    expect(violations(world)).toEqual([]);
  });

  it('has nothing done twice', () => {
    const { world, tasks } = twoAtWork(({ attempt }) => (attempt === 1 ? [] : [[3_000, readyToPush]]));
    world.report('alpha', runOf(tasks[0], 1), quota(inMs(world, 'alpha', 20_000)));
    for (const task of tasks) untilPhase(world, task, 'done');
    world.runFor(60_000);
    expect(world.started).toHaveLength(4);
    expect(world.published.map(({ peer }) => peer)).toEqual(['beta', 'beta']);
  });

  it('has nothing to tell of what is cancelled while it is handed over, and is idle', () => {
    const world = new World([{ name: 'alpha', capacity: 2 }, ...electors], {
      agent: endlessAgent,
      stop: () => [[20_000, { type: 'stopped' }]],
    });
    world.runFor(100);
    const [limited, other] = [submitted(world, world.submit('gamma')), submitted(world, world.submit('gamma'))];
    world.until('both are at work', () => world.running('alpha').length === 2);
    world.report('alpha', runOf(limited, 1), quota(inMs(world, 'alpha', 600_000)));
    world.until('it is being handed over', () => world.stopped.length > 0, 5_000);
    world.command('delta', { type: 'cancel', task: other, reason: 'enough' });
    untilPhase(world, other, 'cancelled');
    world.runFor(25_000);
    const from = world.sent.length;
    world.runFor(10_000);
    expect(world.sent.slice(from).filter(({ message }) => message.type === 'outcome')).toEqual([]);
    const drainedAt = world.nowMs;
    world.leave('alpha');
    world.until('it has gone', () => !world.isUp('alpha'));
    expect(world.nowMs - drainedAt).toBeLessThan(1_000);
  });

  it('brings to its end what is only to be published', () => {
    const { world, tasks } = twoAtWork();
    const [limited, finished] = tasks;
    world.report('alpha', runOf(finished, 1), readyToPush);
    world.report('alpha', runOf(limited, 1), quota(inMs(world, 'alpha', 60_000)));
    untilPhase(world, finished, 'done', 10_000);
    expect(world.stopped).toEqual([]);
    expect(outcomes(stateAt(world, 'gamma', finished))).toEqual(['done']);
  });

  it('goes by the later end of two, whichever it hears last', () => {
    for (const seconds of [
      [30, 90],
      [90, 30],
    ]) {
      const { world, tasks } = twoAtWork();
      const [first = 0, second = 0] = seconds;
      const at = world.nowMs;
      world.report('alpha', runOf(tasks[0], 1), quota(inMs(world, 'alpha', first * 1_000)));
      world.report('alpha', runOf(tasks[1], 1), quota(inMs(world, 'alpha', second * 1_000)));
      world.until('it bids again', () => startsOn(world, 'beta') === 2, 5_000);
      submitted(world, world.submit('gamma'));
      world.until('it bids again', () => startsOn(world, 'alpha') === 3, 120_000);
      expect(world.nowMs - at).toBeGreaterThanOrEqual(90_000);
    }
  });

  it('returns by the wall clock, also where it slept meanwhile', () => {
    const { world, tasks } = twoAtWork();
    world.report('alpha', runOf(tasks[0], 1), quota(inMs(world, 'alpha', 3_600_000)));
    world.until('handed over', () => world.running('beta').length === 2, 5_000);
    const waiting = submitted(world, world.submit('gamma'));
    world.runFor(10_000);
    world.sleep('alpha');
    world.runFor(3_600_000);
    expect(phaseAt(world, 'gamma', waiting)).toBe('open');
    world.wake('alpha');
    world.until('it is taken', () => workersOf(world, waiting).includes('alpha'), 3_000);
  });

  it('is still without quota after a restart, and takes nothing on', () => {
    const { world, tasks } = twoAtWork();
    world.report('alpha', runOf(tasks[0], 1), quota(inMs(world, 'alpha', 60_000)));
    world.until('handed over', () => world.running('beta').length === 2, 5_000);
    world.kill('alpha');
    world.start('alpha');
    const waiting = submitted(world, world.submit('gamma'));
    world.runFor(40_000);
    expect(startsOn(world, 'alpha')).toBe(2);
    expect(stallAt(world, 'gamma', waiting)).toContain('quota (session limit');
    world.until('it is taken', () => workersOf(world, waiting).includes('alpha'), 30_000);
  });
});

describe('a limit without a stated end, such as a key that is rejected', () => {
  const rejected = quota(null, 'the key was rejected');

  it('is tried again after a quarter of an hour, and says so', () => {
    const { world, tasks } = twoAtWork();
    const until = inMs(world, 'alpha', 15 * 60_000);
    world.report('alpha', runOf(tasks[0], 1), rejected);
    world.until('handed over', () => world.running('beta').length === 2, 5_000);
    world.runFor(500);
    expect(stateAt(world, 'gamma', tasks[0])?.attempts[0]?.outcome).toMatchObject({ type: 'quota', until });
    const waiting = submitted(world, world.submit('gamma'));
    world.runFor(14 * 60_000);
    expect(startsOn(world, 'alpha')).toBe(2);
    world.until('it is taken', () => workersOf(world, waiting).includes('alpha'), 2 * 60_000);
  });

  it('is forgotten by a restart, which is how a person mends it', () => {
    const { world, tasks } = twoAtWork();
    world.report('alpha', runOf(tasks[0], 1), rejected);
    world.until('handed over', () => world.running('beta').length === 2, 5_000);
    const waiting = submitted(world, world.submit('gamma'));
    world.kill('alpha');
    world.start('alpha');
    expect(workerOf(world, waiting, 10_000)).toBe('alpha');
  });

  it('is the same as one whose end is past, and as one that would never come', () => {
    for (const [ms, lowMs, highMs] of [
      [-1_000, 14 * 60_000, 16 * 60_000],
      [365 * 24 * 3_600_000, 7 * 24 * 3_600_000, 9 * 24 * 3_600_000],
    ] as const) {
      const { world, tasks } = twoAtWork();
      world.report('alpha', runOf(tasks[0], 1), quota(inMs(world, 'alpha', ms)));
      world.runFor(2_000);
      const outcome = stateAt(world, 'gamma', tasks[0])?.attempts[0]?.outcome;
      const leftMs = (outcome?.type === 'quota' ? (outcome.until ?? 0) : 0) - world.wallMs('alpha');
      expect(leftMs).toBeGreaterThan(lowMs);
      expect(leftMs).toBeLessThan(highMs);
    }
  });
});

describe('a task that every peer has hit the limit on', () => {
  it('is passed to each once, waits with the reason, and goes on by itself when one of them returns', () => {
    let isBack = false;
    const names = ['alpha', 'beta', 'gamma'];
    const world = new World(
      names.map((name) => ({ name })),
      {
        agent: (job, peer) =>
          isBack ? quickAgent(job, peer) : [[500, quota(inMs(world, peer, peer === 'beta' ? 120_000 : 300_000))]],
      },
    );
    const task = firstTask(world);
    world.until('it waits', () => names.every((name) => stallAt(world, name, task) !== null), 30_000);
    expect(new Set(world.started.map(({ peer }) => peer))).toEqual(new Set(names));
    expect(world.started).toHaveLength(3);
    expect(stallAt(world, 'gamma', task)).toMatch(/^3 × quota \(session limit, until 2025-06-15T15:0[89]Z\)$/);
    isBack = true;
    world.runFor(100_000);
    expect(world.started).toHaveLength(3);
    untilPhase(world, task, 'done', 60_000);
    expect(world.started.map(({ peer }) => peer).at(-1)).toBe('beta');
    expect(outcomes(stateAt(world, 'alpha', task))).toEqual(['quota', 'quota', 'quota', 'done']);
    expect(violations(world)).toEqual([]);
  });
});
