import { describe, expect, it } from 'vitest';
import { live } from '../../sim/chaos.ts';

const seeds = 200;

describe('five peers, five tasks, and everything that can befall them', () => {
  it(`keeps its promises under ${seeds} seeds`, { timeout: 60_000 }, () => {
    const broken = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) => {
      const { wrong } = live(seed);
      return wrong.map((what) => `seed ${seed}: ${what}`);
    });
    expect(broken).toEqual([]);
  });
});
