import { describe, expect, it } from 'vitest';
import { live } from '../../sim/chaos.ts';

const seeds = 200;

describe('three to six peers, six tasks, and everything that can befall them', () => {
  it(`keep their promises under ${seeds} seeds`, { timeout: 60_000 }, () => {
    const broken = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
      live(seed).wrong.map((what) => `seed ${seed}: ${what}`),
    );
    expect(broken).toEqual([]);
  });

  it('live the same life again under the same seed', () => {
    const lives = [7, 7, 8].map((seed) => JSON.stringify(live(seed).world.sent));
    expect(lives[0]).toBe(lives[1]);
    expect(lives[0]).not.toBe(lives[2]);
  });
});
