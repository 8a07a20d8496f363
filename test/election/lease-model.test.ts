import { describe, expect, it } from 'vitest';
import { defaultTiming } from '../../src/protocol/timing.ts';
import { LeaseModel, type ModelOptions } from './lease-model.ts';

const runs = 2_000;
const sizes = [
  { electors: 3, proposers: 2 },
  { electors: 3, proposers: 3 },
  { electors: 5, proposers: 3 },
] as const;

const modelOf = (seed: number, changed: Partial<ModelOptions> = {}): LeaseModel =>
  new LeaseModel({
    seed,
    ...(sizes[seed % sizes.length] ?? sizes[0]),
    timing: defaultTiming,
    driftMax: 1.1,
    sleepShowsOnWall: true,
    ...changed,
  });

/** What goes wrong in the first of these runs in which anything does. */
function firstWrong(changed: Partial<ModelOptions>): readonly string[] {
  for (let seed = 1; seed <= runs; seed += 1) {
    const wrong = modelOf(seed, changed).run();
    if (wrong.length > 0) return wrong;
  }
  return [];
}

describe('the lease and the register', () => {
  it(`keep I1 and I2 in ${runs} random lives, and are led again after each`, { timeout: 60_000 }, () => {
    const total = { won: 0, inherited: 0, written: 0, released: 0 };
    for (let seed = 1; seed <= runs; seed += 1) {
      const model = modelOf(seed);
      expect(model.run(), `seed ${seed}, ${JSON.stringify(sizes[seed % sizes.length])}`).toEqual([]);
      for (const name of ['won', 'inherited', 'written', 'released'] as const) total[name] += model.oracle.counts[name];
    }
    // A model in which nothing happens would find nothing.
    expect(total.won).toBeGreaterThan(4 * runs);
    expect(total.inherited).toBeGreaterThan(3 * runs);
    expect(total.written).toBeGreaterThan(7 * runs);
    expect(total.released).toBeGreaterThan(runs);
  });
});

describe('the model finds two leaders', () => {
  const { leaseMs, electorLeaseMs } = defaultTiming;

  it.each<[string, Partial<ModelOptions>]>([
    [
      "where the proposer's lease is longer than the elector's",
      { timing: { ...defaultTiming, leaseMs: electorLeaseMs + 1_000 } },
    ],
    ['where clocks drift and there is no margin', { timing: { ...defaultTiming, electorLeaseMs: leaseMs } }],
    ['where clocks drift by more than the margin', { driftMax: 1.4 }],
    ['where a sleep shows on neither clock', { sleepShowsOnWall: false }],
  ])('%s', (_, changed) => {
    expect(firstWrong(changed)[0]).toMatch(/^I1/);
  });
});
