import { describe, expect, it } from 'vitest';
import { killInTheMiddle, runs } from './kill.ts';

describe('kill -9 of a peer that is leader and worker at once', () => {
  it.each(Array.from({ length: runs }, (_, run) => run + 1))(
    'run %i',
    async () => {
      const { before, after } = await killInTheMiddle(({ worker, leader, submitter }) =>
        worker === leader && worker !== submitter ? worker : null,
      );
      expect(after.worker).not.toBe(before.worker);
    },
    120_000,
  );
});
