import { describe, expect, test } from 'vitest';
import type { Job } from '../../../src/protocol/agent.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import { branchOf } from '../../../src/protocol/record.ts';
import { usePc, validMs, writes } from '../pc.ts';
import { jobFor } from '../support.ts';

const pc = usePc();

const pushed = async (job: Job): Promise<CommitId> => {
  const { commit } = await pc.start(writes, job).published();
  return commit ?? ('' as CommitId);
};

describe('the branch', () => {
  test('at an earlier attempt’s commit is replaced', async () => {
    const task = pc.task();
    const earlier = await pushed(jobFor(task, 1));
    const { agents, reports, job } = pc.start('echo c > c.txt', jobFor(task, 2));
    const ready = await reports.wait('ready');
    expect(ready.expectedTip).toBe(earlier);
    agents.publish(job.run, 'push', validMs);
    await reports.wait('published');
    expect(pc.onBranch(task, 'rev-parse')).toBe(ready.commit);
  });

  test('at a later attempt’s commit is adopted', async () => {
    const task = pc.task();
    const later = await pushed(jobFor(task, 2));
    const { reports } = pc.start('echo c > c.txt', jobFor(task, 1));
    expect((await reports.wait('published')).result.commit).toBe(later);
    expect(pc.onBranch(task, 'rev-parse')).toBe(later);
  });

  test('that somebody else has is left alone, and the task ends', async () => {
    const task = pc.task();
    const theirs = pc.personPushes({}, branchOf(task));
    const { reports } = pc.start(writes, jobFor(task));
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringMatching(/^branch-taken: /),
    });
    expect(pc.onBranch(task, 'rev-parse')).toBe(theirs);
  });

  test('that moves under the push is judged again', async () => {
    const { agents, reports, job } = pc.start(writes);
    await reports.wait('ready');
    let theirs = '';
    pc.forge.beforePush = () => {
      theirs = pc.personPushes({}, branchOf(job.task));
    };
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringMatching(/^branch-taken: /),
    });
    expect(pc.onBranch(job.task, 'rev-parse')).toBe(theirs);
  });

  test('that is at the committed publication needs no agent', async () => {
    const task = pc.task();
    const commit = await pushed(jobFor(task, 1));
    pc.opensPullRequests();
    const { agents, reports, job } = pc.start('touch ran', jobFor(task, 2, { commit, expectedTip: null }));
    expect(await reports.wait('ready')).toEqual({ type: 'ready', step: 'open', commit, expectedTip: commit });
    agents.publish(job.run, 'open', validMs);
    expect(await reports.wait('published')).toMatchObject({ result: { commit, pullRequest: { number: 1 } } });
    expect(reports.of('progress')).toEqual([]);
  });

  test('that is elsewhere: the agent runs again', async () => {
    const commit = 'a'.repeat(40) as CommitId;
    const { reports } = pc.start(writes, jobFor(pc.task(), 2, { commit, expectedTip: null }));
    expect(await reports.wait('ready')).toMatchObject({ step: 'push', expectedTip: null });
  });
});
