import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Killing, runs } from './kill.ts';

describe.each(runs)('kill -9 in the middle of the work, run %i', () => {
  let mesh: Killing;
  beforeAll(async () => {
    mesh = await Killing.start();
  });
  beforeEach(() => mesh.makeWhole());
  afterAll(() => mesh[Symbol.asyncDispose]());

  it('of the worker: the next attempt ends the task', async () => {
    const { before, after } = await mesh.inTheMiddle(({ worker, leader, submitter }) =>
      worker !== leader && worker !== submitter ? worker : null,
    );
    expect(after.attempts.length).toBeGreaterThan(1);
    expect(after.worker).not.toBe(before.worker);
  }, 120_000);

  it('of the leader: the worker goes on, and no attempt is lost', async () => {
    const { before, after } = await mesh.inTheMiddle(({ worker, leader, submitter }) =>
      leader !== worker && leader !== submitter ? leader : null,
    );
    expect(after).toMatchObject({ attempt: 1, worker: before.worker });
  }, 120_000);

  it('of the peer that is leader and worker at once', async () => {
    const { before, after } = await mesh.inTheMiddle(({ worker, leader, submitter }) =>
      worker === leader && worker !== submitter ? worker : null,
    );
    expect(after.worker).not.toBe(before.worker);
  }, 120_000);

  it('of the peer that took the submission', async () => {
    const { before, after } = await mesh.inTheMiddle(({ worker, leader, submitter }) =>
      submitter !== worker && submitter !== leader ? submitter : null,
    );
    expect(after).toMatchObject({ attempt: 1, worker: before.worker });
  }, 120_000);
});
