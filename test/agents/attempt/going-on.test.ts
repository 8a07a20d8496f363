import { describe, expect, test } from 'vitest';
import { type BlobId, type CommitId, wallMs } from '../../../src/protocol/ids.ts';
import { usePc, writes } from '../pc.ts';
import { jobFor, person } from '../support.ts';

const pc = usePc();

describe('an attempt that another one goes on with', () => {
  const often = { checkpointEveryMs: 100 };

  test('saves its progress while it works', async () => {
    const { reports } = pc.start('echo b > b.txt; exec sleep 600', undefined, often);
    const { checkpoint } = await reports.wait('checkpoint');
    expect(checkpoint).toMatchObject({
      attempt: 1,
      number: 1,
      finished: false,
      session: null,
      base: person(pc.origin, 'rev-parse', 'main'),
    });
    expect(checkpoint.commit).not.toBe(checkpoint.base);
  });

  test('saves it as soon as the agent has committed, however long the interval is', async () => {
    const commits = 'echo b > b.txt; git add .; git commit -qm "Add b"; exec sleep 600';
    const { reports } = pc.start(commits);
    const { checkpoint } = await reports.wait('checkpoint');
    expect(checkpoint).toMatchObject({ attempt: 1, number: 1, finished: false });
  });

  test('saves it once more when it is handed over', async () => {
    const first = pc.start('echo b > b.txt; sleep 0.4; echo c > c.txt; echo two; exec sleep 600', undefined, often);
    await first.said('two');
    const checkpoint = await first.handedOver();
    const reads = 'test -e b.txt && test -e c.txt && echo d > d.txt';
    await pc.start(reads, { ...jobFor(first.job.task, 2), checkpoint }).published();
    expect(pc.filesOf(first.job.task)).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  test('has its session, and saves nothing while nothing changes', async () => {
    const notes = '"$PEER_SESSION_DIR/notes"';
    const remembers = `echo b > b.txt; echo thought > ${notes}; cat ${notes}; sleep 600`;
    const first = pc.start(remembers);
    await first.said('thought');
    const checkpoint = await first.handedOver();
    expect(checkpoint?.session).toBe('command');
    const reads = `test -e b.txt && sed 's/^/a /' ${notes}; sleep 0.5; echo c > c.txt; sleep 600`;
    const next = pc.start(reads, { ...jobFor(first.job.task, 2), checkpoint }, often);
    await next.said('a thought');
    const saved = await next.reports.wait('checkpoint');
    expect(pc.filesSaved(saved.checkpoint)).toEqual(['a.txt', 'b.txt', 'c.txt']);
  });

  /** I3: the fence goes by the number, and an attempt between the two may still push after a fork. */
  test('is published without an agent where only that was left, under the number of the attempt that publishes', async () => {
    const first = pc.start(writes);
    const { commit } = await first.reports.wait('ready');
    const checkpoint = first.reports.lastCheckpoint;
    expect(checkpoint).toMatchObject({ commit, finished: true });
    first.agents.stop(first.job.run, 'superseded');
    await first.reports.wait('stopped');
    const { task } = first.job;
    const job = { ...jobFor(task, 3, { commit, expectedTip: null }), checkpoint };
    await pc.start('echo an agent ran; exit 1', job).published();
    expect(pc.filesOf(task)).toEqual(['a.txt', 'b.txt']);
    expect(pc.trailerOf(task, 'Mesh-Attempt')).toBe('3');
  });

  test('starts afresh where the checkpoint cannot be had', async () => {
    const checkpoint = {
      blob: 'f'.repeat(64) as BlobId,
      bytes: 10,
      base: person(pc.origin, 'rev-parse', 'main') as CommitId,
      commit: 'e'.repeat(40) as CommitId,
      attempt: 1,
      number: 1,
      finished: false,
      session: null,
      at: wallMs(1),
    };
    const { reports } = pc.start(writes, { ...jobFor(pc.task(), 2), checkpoint });
    await reports.wait('ready');
  });
});
