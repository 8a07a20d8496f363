import { describe, expect, it } from 'vitest';
import { killInTheMiddle, runs } from './kill.ts';

describe('kill -9 of the peer that took the submission', () => {
  it.each(Array.from({ length: runs }, (_, run) => run + 1))(
    'run %i',
    async () => {
      const { before, after } = await killInTheMiddle(({ worker, leader, submitter }) =>
        submitter !== worker && submitter !== leader ? submitter : null,
      );
      expect(after).toMatchObject({ attempt: 1, worker: before.worker });
    },
    120_000,
  );
});
