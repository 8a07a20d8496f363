import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/protocol/generation.ts';
import { type GenerationId, runIdOf, wallMs } from '../../src/protocol/ids.ts';
import { signTask } from '../../src/protocol/record.ts';
import { Failovers } from './failovers.ts';
import type { Observation, PeerChange } from './observation.ts';
import { draftOf } from './script.ts';
import { peerIdOf } from './world.ts';

const electors = ['ada', 'bea', 'cid'];
const names = [...electors, 'dan', 'eva'];
const task = signTask(
  {
    ...draftOf(),
    format: 1,
    round: 1,
    submitter: peerIdOf('ada'),
    createdAt: wallMs(1),
    nonce: '0123456789abcdef',
    electorate: electors.map(peerIdOf),
  },
  () => new Uint8Array(64),
);

const peer = (at: number, name: string, change: PeerChange): Observation => ({
  ...{ at, peer: name, type: 'peer', change, leases: 0 },
});
const cut = (at: number, peers: readonly string[], kind = 'cut'): Observation => ({
  ...{ at, type: 'cut', id: 1, kind, peers, others: names.filter((name) => !peers.includes(name)) },
});
const healed = (at: number): Observation => ({ at, type: 'healed', id: 1 });
const starts = (at: number, name: string, attempt: number): Observation => {
  const job = { run: runIdOf(task.id, attempt), task, attempt, publication: null, checkpoint: null };
  return {
    at,
    peer: name,
    type: 'agent-started',
    job: { ...job, holders: [], spendableUsd: null, earlierCostUsd: 0 },
    running: 1,
    capacity: 1,
    wallMs: at,
    day: 0,
    dailyUsd: null,
  };
};
const ends = (at: number, name: string, how: string): Observation => ({
  ...{ at, peer: name, type: 'agent-ended', run: runIdOf(task.id, 1), how },
});

/** Five PCs of which three are electors; attempt 1 runs on dan, who is none, and attempt 2 starts on eva at 100 s. */
const measured = (...history: readonly Observation[]) => {
  const failovers = new Failovers(peerIdOf);
  const begin = [
    ...names.map((name) => peer(0, name, 'started')),
    { at: 0, peer: 'ada', type: 'record', task } as const,
    starts(1_000, 'dan', 1),
  ];
  for (const one of [...begin, ...history, starts(100_000, 'eva', 2)]) failovers.see(one);
  return { ms: failovers.ms, headless: failovers.headlessMs };
};

describe('a failover', () => {
  it('is counted from the death of the worker', () => {
    const died = [ends(95_000, 'dan', 'killed'), peer(95_000, 'dan', 'crashed')];
    expect(measured(...died)).toEqual({ ms: [5_000], headless: [] });
    // That it is back does not bring its agent back.
    expect(measured(...died, peer(96_000, 'dan', 'started'))).toEqual({ ms: [5_000], headless: [] });
  });

  it('is counted from when it fell asleep, or was cut off from the electors for good', () => {
    expect(measured(peer(90_000, 'dan', 'slept'))).toEqual({ ms: [10_000], headless: [] });
    expect(measured(cut(80_000, ['dan']))).toEqual({ ms: [20_000], headless: [] });
    expect(measured(cut(80_000, ['dan', 'cid']))).toEqual({ ms: [20_000], headless: [] });
  });

  it('is none where the worker was back in time, and the later loss counts', () => {
    const nap = [peer(10_000, 'dan', 'slept'), peer(12_000, 'dan', 'woke')];
    expect(measured(...nap, peer(98_000, 'dan', 'slept'))).toEqual({ ms: [2_000], headless: [] });
    expect(measured(cut(10_000, ['dan']), healed(12_000))).toEqual({ ms: [], headless: [] });
  });

  it('is none where the worker was only slow, or apart from a few', () => {
    expect(measured(cut(10_000, ['dan'], 'slow'))).toEqual({ ms: [], headless: [] });
    expect(measured(cut(10_000, ['cid', 'eva']))).toEqual({ ms: [], headless: [] });
  });

  it('is none where the attempt had come to an end by itself', () => {
    expect(measured(ends(90_000, 'dan', 'failed'), peer(95_000, 'dan', 'crashed'))).toEqual({ ms: [], headless: [] });
  });

  it('is told apart where there was no majority that could have gone on', () => {
    const down = [ends(70_000, 'dan', 'killed'), peer(70_000, 'dan', 'crashed'), peer(80_000, 'ada', 'crashed')];
    const headless = [...down, peer(81_000, 'bea', 'crashed'), peer(99_000, 'bea', 'started')];
    expect(measured(...down)).toEqual({ ms: [30_000], headless: [] });
    expect(measured(...headless)).toEqual({ ms: [], headless: [30_000] });
  });

  it('of a worker that goes on while nobody leads is none', () => {
    const headless = ['ada', 'bea'].map((name) => peer(50_000, name, 'crashed'));
    const back = ['ada', 'bea'].map((name) => peer(60_000, name, 'started'));
    expect(measured(...headless, ...back)).toEqual({ ms: [], headless: [] });
  });

  it('is judged by the electors of the last generation', () => {
    const generation: Generation = {
      ...{ number: 1, id: '1'.repeat(16) as GenerationId, forced: false },
      electorate: ['dan', 'eva', 'cid'].map(peerIdOf),
    };
    const moved: Observation = { at: 5_000, peer: 'dan', type: 'generation', task: task.id, generation };
    expect(measured(moved, cut(80_000, ['dan', 'eva']))).toEqual({ ms: [], headless: [] });
  });
});
