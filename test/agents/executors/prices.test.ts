import { expect, test } from 'vitest';
import { costOf } from '../../../src/agents/executors/prices.ts';

const million = { input: 1_000_000, output: 1_000_000, cacheWrite: 1_000_000, cacheWriteLong: 0, cacheRead: 1_000_000 };
const short = { input: 10_000, output: 10_000, cacheWrite: 0, cacheWriteLong: 0, cacheRead: 0 };

test.each([
  ['claude-opus-5-5', 4 + 20 + 5 + 0.2],
  ['claude-opus-4-8', 5 + 25 + 6.25 + 0.5],
  ['claude-opus-4-0', 15 + 75 + 18.75 + 1.5],
  ['claude-opus-4-20250514', 15 + 75 + 18.75 + 1.5],
  ['claude-opus-4-1-20250805', 15 + 75 + 18.75 + 1.5],
  ['claude-sonnet-5-5', 2 + 10 + 2.5 + 0.1],
  ['claude-sonnet-4-6', 3 + 15 + 3.75 + 0.3],
  ['claude-haiku-4-5-20251001', 1 + 5 + 1.25 + 0.1],
  ['claude-fable-5-2', 8 + 40 + 10 + 0.2],
  ['claude-fable-5', 10 + 50 + 12.5 + 1],
  ['claude-mythos-preview', 25 + 125 + 31.25 + 2.5],
  // A long prompt.
  ['claude-haiku-5-5', 0.5 + 2.5 + 0.625 + 0.05],
])('a million tokens of each kind of %s', (model, usd) => {
  expect(costOf(model, million)).toBeCloseTo(usd, 10);
});

test('a short prompt of haiku costs a fifth', () => {
  expect(costOf('claude-haiku-5-5', short)).toBeCloseTo(0.006, 10);
});

test('a model that is not on the list is as dear as any', () => {
  for (const known of ['claude-opus-5-5', 'claude-opus-4-1', 'claude-fable-5-1', 'claude-mythos-preview']) {
    expect(costOf('claude-next-7', million)).toBeGreaterThanOrEqual(costOf(known, million));
  }
});
