import { describe, expect, it } from 'vitest';
import { killInTheMiddle, runs } from './kill.ts';

describe('kill -9 of the leader: the worker goes on, and no attempt is lost', () => {
  it.each(Array.from({ length: runs }, (_, run) => run + 1))(
    'run %i',
    async () => {
      const { before, after } = await killInTheMiddle(({ worker, leader, submitter }) =>
        leader !== worker && leader !== submitter ? leader : null,
      );
      expect(after).toMatchObject({ attempt: 1, worker: before.worker });
    },
    120_000,
  );
});
