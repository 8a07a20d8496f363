import type { MaintainerTraits } from './forge/maintainers.ts';
import type { WireTraits } from './forge/wire.ts';
import type { AgentTraits } from './forge/workers.ts';
import type { Conditions } from './network.ts';
import type { Profile } from './result.ts';

export const FaultKinds = ['kill', 'mid-step kill', 'pause', 'sleep', 'cut', 'one-way cut', 'slow', 'goodbye'] as const;
export type FaultKind = (typeof FaultKinds)[number];

export interface FaultTraits {
  /** Between two faults of one peer, on average. */
  readonly everyMs: number;
  readonly weights: Readonly<Record<FaultKind, number>>;
  readonly lastingMs: readonly [low: number, high: number];
  /** Laptops sleep for longer. */
  readonly sleepMs: readonly [low: number, high: number];
  /** Of the moments at which a fault hurts most, that meet one. */
  readonly ambushes: number;
  /** The same of the moments after a promise, around a grant, and after a seal. */
  readonly promiseAmbushes: number;
  readonly grantAmbushes: number;
  readonly sealAmbushes: number;
  /** Of sleeps, that no driver notices: the core must then notice by its wall clock. */
  readonly unnoticed: number;
  /** Of runs, in which one PC loses its disk for good. */
  readonly lostDisks: number;
  /** Of crashes, that take the checkpoints on the disk with them. */
  readonly lostCheckpoints: number;
}

/** What people do with the mesh itself, as shares of their submissions. */
export interface PeopleTraits {
  /** The same key at two peers at once. */
  readonly twins: number;
  readonly again: number;
  readonly cancels: number;
  readonly adopts: number;
  /** Tasks that may cost only so much. */
  readonly budgets: number;
  /** Of runs, in which everybody is away for a month in the end. */
  readonly holidays: number;
}

/** Who has a budget, as shares, and how large it is in USD. Days are as short as the run, so that some of them end in it. */
export interface MoneyTraits {
  readonly dayMs: number;
  readonly peers: number;
  readonly meshes: number;
  readonly peerUsd: readonly [low: number, high: number];
  readonly meshUsd: readonly [low: number, high: number];
}

export interface Traits {
  readonly conditions: Conditions;
  /** Of the clocks: the fastest against the slowest are the 10 % that the timing allows for. */
  readonly rates: readonly [low: number, high: number];
  readonly wallOffsetMs: number;
  readonly agents: AgentTraits;
  readonly wire: WireTraits;
  readonly maintainers: MaintainerTraits;
  readonly people: PeopleTraits;
  readonly money: MoneyTraits;
  readonly faults: FaultTraits | null;
}

const wealthy: MoneyTraits = { dayMs: 24 * 3_600_000, peers: 0, meshes: 0, peerUsd: [1, 1], meshUsd: [1, 1] };

const calm: Traits = {
  conditions: { latencyMs: [0.2, 2], loss: 0, copies: 0, disorder: 0, gossipLoss: 0, lastWords: 0 },
  rates: [0.9999, 1.0001],
  wallOffsetMs: 500,
  agents: {
    workMs: [15_000, 240_000],
    failures: 0,
    refusals: 0,
    quotas: 0,
    checkpoints: 0.5,
    usdPerMinute: [0.05, 0.5],
  },
  wire: { slowPushes: 0, losses: 0 },
  maintainers: { merges: 0.5, closes: 0, removals: 0.5, ownCommits: 0 },
  people: { twins: 0, again: 0, cancels: 0, adopts: 0, budgets: 0, holidays: 0 },
  money: wealthy,
  faults: null,
};

const rough: Traits = {
  conditions: { latencyMs: [0.2, 20], loss: 0.002, copies: 0.002, disorder: 0.01, gossipLoss: 0.02, lastWords: 0.8 },
  rates: [0.95, 1.045],
  wallOffsetMs: 5_000,
  agents: {
    workMs: [10_000, 120_000],
    failures: 0.03,
    refusals: 0,
    quotas: 0.01,
    checkpoints: 0.5,
    usdPerMinute: [0.05, 0.5],
  },
  wire: { slowPushes: 0.02, losses: 0.01 },
  maintainers: { merges: 0.6, closes: 0.1, removals: 0.5, ownCommits: 0 },
  people: { twins: 0.05, again: 0.05, cancels: 0.05, adopts: 0, budgets: 0, holidays: 0 },
  money: wealthy,
  faults: {
    everyMs: 240_000,
    weights: { kill: 2, 'mid-step kill': 2, pause: 1, sleep: 0, cut: 2, 'one-way cut': 0, slow: 1, goodbye: 0 },
    lastingMs: [500, 60_000],
    sleepMs: [500, 60_000],
    ambushes: 0.002,
    promiseAmbushes: 0.005,
    grantAmbushes: 0.01,
    sealAmbushes: 0.01,
    unnoticed: 0,
    lostDisks: 0,
    lostCheckpoints: 0,
  },
};

const hostile: Traits = {
  conditions: { latencyMs: [0.2, 40], loss: 0.02, copies: 0.02, disorder: 0.05, gossipLoss: 0.1, lastWords: 0.8 },
  rates: [0.95, 1.045],
  wallOffsetMs: 60_000,
  agents: {
    workMs: [3_000, 60_000],
    failures: 0.08,
    refusals: 0.02,
    quotas: 0.05,
    checkpoints: 0.5,
    usdPerMinute: [0.1, 3],
  },
  wire: { slowPushes: 0.1, losses: 0.05 },
  maintainers: { merges: 0.6, closes: 0.2, removals: 0.6, ownCommits: 0.04 },
  people: { twins: 0.25, again: 0.1, cancels: 0.15, adopts: 0.1, budgets: 0.3, holidays: 0.25 },
  money: { dayMs: 11 * 60_000, peers: 0.4, meshes: 0.2, peerUsd: [0.3, 5], meshUsd: [2, 30] },
  faults: {
    everyMs: 50_000,
    weights: { kill: 2, 'mid-step kill': 3, pause: 2, sleep: 3, cut: 4, 'one-way cut': 1, slow: 2, goodbye: 1 },
    lastingMs: [200, 120_000],
    sleepMs: [500, 600_000],
    ambushes: 0.02,
    promiseAmbushes: 0.06,
    grantAmbushes: 0.2,
    sealAmbushes: 0.3,
    unnoticed: 0.3,
    lostDisks: 0.25,
    lostCheckpoints: 0.2,
  },
};

export const traitsOf: Readonly<Record<Profile, Traits>> = { calm, rough, hostile };
