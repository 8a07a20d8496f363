import { describe, expect, it } from 'vitest';
import { run } from '../../sim/run.ts';

const seeds = 60;

describe('a mesh of one to seven PCs', () => {
  it.each(['rough', 'hostile'] as const)(`keeps its promises on ${seeds} %s days`, { timeout: 60_000 }, (profile) => {
    const broken = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed) =>
      run({ seed, profile, peers: 0, tasks: 0, durationMs: 10 * 60_000 }).violations.map(
        ({ invariant, atMs, text }) => `seed ${seed}: ${invariant} at ${atMs}: ${text}`,
      ),
    );
    expect(broken).toEqual([]);
  });
});
