import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GitError } from '../../../src/agents/git.ts';
import { branchOf } from '../../../src/protocol/record.ts';
import { usePc, validMs, writes } from '../pc.ts';
import { jobFor, person, Reports, thisHost } from '../support.ts';

const pc = usePc();
const network = new GitError('network', 'git push: fatal: the network is down', '', 128);

describe('a job', () => {
  test('goes from a task to a pushed branch', async () => {
    const seen = join(pc.folder, 'seen');
    const { agents, reports, job, said } = pc.start(`${writes}; until [ -e '${seen}' ]; do sleep 0.1; done`);
    await said('working');
    writeFileSync(seen, '');
    const ready = await reports.wait('ready');
    expect(ready).toEqual({ type: 'ready', step: 'push', commit: expect.any(String), expectedTip: null });
    expect(pc.forge.pushes).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('published')).toEqual({
      type: 'published',
      result: { branch: branchOf(job.task), commit: ready.commit, pullRequest: null },
      costUsd: null,
    });
    expect(pc.onBranch(job.task, 'log', '-1', '--format=%H %s')).toBe(`${ready.commit} Add a file`);
    expect(reports.all.at(-1)?.type).toBe('published');
    expect(pc.clones()).toEqual([]);
  });

  test('reports nothing before `start` has returned', async () => {
    const reports = new Reports();
    const agents = pc.runner({ reason: 'no executor' });
    agents.start(jobFor(pc.task()), reports.take);
    expect(reports.all).toEqual([]);
    await reports.wait('refused');
  });

  test('opens a pull request under a grant of its own', async () => {
    pc.opensPullRequests();
    const { agents, reports, job } = pc.start(writes);
    const { commit } = await reports.wait('ready');
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('ready', 2)).toEqual({ type: 'ready', step: 'open', commit, expectedTip: commit });
    expect(pc.forge.pulls).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    agents.publish(job.run, 'open', validMs);
    const { result } = await reports.wait('published');
    expect(result.pullRequest).toEqual({ number: 1, url: 'https://forge.example/1', state: 'open' });
    expect(pc.forge.pulls).toMatchObject([{ title: 'Add a file', body: expect.stringContaining('working') }]);
  });

  test('is logged, and the log ends with how it ended', async () => {
    const { agents, reports, job } = pc.start('echo out; echo err >&2; exit 1');
    await reports.wait('failed');
    const piece = await agents.readLog({ task: job.task.id, attempt: null, offset: 0, limitBytes: 10_000 });
    expect(piece).toMatchObject({
      attempt: 1,
      end: true,
      text: expect.stringMatching(/\nout\n[\s\S]*ended: failed: .*exit code 1/),
    });
    expect(piece).toMatchObject({ text: expect.stringMatching(/\nerr\n/) });
  });

  test('is not run twice at once', async () => {
    const { agents, reports, job } = pc.start(writes);
    const second = new Reports();
    agents.start(job, second.take);
    await second.wait('refused');
    await reports.wait('ready');
    expect(second.all.length).toBe(1);
  });
});

describe('a grant', () => {
  test('that has run out is asked for again, and nothing was pushed', async () => {
    const { agents, reports, job } = pc.start(writes);
    const first = await reports.wait('ready');
    agents.publish(job.run, 'push', 0);
    expect(await reports.wait('ready', 2)).toEqual(first);
    expect(pc.forge.pushes).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    await reports.wait('published');
  });

  test('that nobody asked for does nothing', async () => {
    const { agents, reports, job } = pc.start(writes);
    agents.publish(job.run, 'push', validMs);
    agents.publish(job.run, 'open', validMs);
    await reports.wait('ready');
    expect(pc.forge.pushes).toEqual([]);
  });
});

describe('a network that fails', () => {
  test('for a while costs only time', async () => {
    pc.opensPullRequests();
    for (const by of ['tip', 'push', 'open'] as const) pc.forge.failures.push({ by, error: network });
    const { agents, reports, job } = pc.start(writes);
    for (const [i, step] of (['push', 'push', 'open', 'open'] as const).entries()) {
      expect(await reports.wait('ready', i + 1)).toMatchObject({ step });
      agents.publish(job.run, step, validMs);
    }
    await reports.wait('published');
    expect(pc.forge.pushes.length).toBe(1);
  });

  test('after a push that did arrive: it is found, not repeated', async () => {
    const { agents, reports, job } = pc.start(writes);
    const { commit } = await reports.wait('ready');
    pc.forge.beforePush = () => {
      const clone = join(pc.home, 'work', pc.clones()[0] ?? '', 'publish.git');
      person(clone, 'push', '--quiet', pc.origin, `${commit}:refs/heads/${branchOf(job.task)}`);
      throw network;
    };
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('published')).toMatchObject({ result: { commit } });
    expect(pc.forge.pushes).toEqual([]);
  });

  test('for good fails the attempt', async () => {
    for (let i = 0; i < 3; i++) pc.forge.failures.push({ by: 'tip', error: network });
    const { reports } = pc.start(writes);
    expect(await reports.wait('failed')).toMatchObject({
      final: false,
      reason: expect.stringContaining('the network is down'),
    });
  });
});

describe('an end without a result', () => {
  test.each([
    ['the agent fails', 'echo "cannot do it"; exit 1', /exit code 1.*cannot do it/],
    ['it changes nothing', 'echo "nothing to do"', /changed nothing.*nothing to do/],
    ['it leaves what cannot be published', 'git checkout -q --orphan o; git commit -qm o', /without the commit/],
  ])('%s', async (_, command, reason) => {
    const { reports } = pc.start(command);
    expect(await reports.wait('failed')).toMatchObject({ final: false, reason: expect.stringMatching(reason) });
  });

  test('a task that fits no repository is final', async () => {
    const { reports } = pc.start(writes, jobFor(pc.task({ base: 'none' })));
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringContaining('no branch `none`'),
    });
  });

  test('no executor: refused, with the mend', async () => {
    const { reports } = pc.start({ reason: 'no executor: give --command CMD' });
    expect(await reports.wait('refused')).toMatchObject({ reason: expect.stringContaining('--command') });
  });

  test('a quota is told with its end and the cost', async () => {
    const until = 1_800_000_000_000 as never;
    const { reports } = pc.start({
      name: 'limited',
      session: null,
      usable: async () => ({ usable: true }),
      run: async (_, onEvent) => {
        onEvent({ type: 'usage', inputTokens: 1, outputTokens: 1, costUsd: 0.5 });
        return { type: 'quota', until, reason: 'the plan’s limit' };
      },
    });
    expect(await reports.wait('quota')).toEqual({ type: 'quota', until, reason: 'the plan’s limit', costUsd: 0.5 });
  });

  test('a full disk is refused, not failed', async () => {
    const { reports } = pc.start({
      name: 'full',
      session: null,
      usable: async () => ({ usable: true }),
      run: async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    });
    expect(await reports.wait('refused')).toMatchObject({ reason: expect.stringContaining('no space left') });
  });
});

describe('aptitude', () => {
  const repository = () => pc.task().body.repository;

  test('warm once the repository was fetched', async () => {
    const { agents, reports } = pc.start(writes);
    expect(agents.aptitude(repository())).toEqual({ noAccess: null, warm: false });
    await reports.wait('ready');
    expect(agents.aptitude(repository())).toEqual({ noAccess: null, warm: true });
  });

  test('a path is worked on where it is', () => {
    const agents = pc.runner(writes);
    const path = join(pc.folder, 'none');
    expect(agents.aptitude({ type: 'path', path: pc.origin, host: 'host-2' as never }).noAccess).toMatch(/another PC/);
    expect(agents.aptitude({ type: 'path', path, host: thisHost }).noAccess).toContain(path);
    writeFileSync(path, '');
    expect(agents.aptitude({ type: 'path', path, host: thisHost }).noAccess).toContain(path);
  });

  test('a refusal is remembered', async () => {
    rmSync(pc.origin, { recursive: true });
    mkdirSync(pc.origin);
    const { agents, reports } = pc.start(writes);
    const { reason } = await reports.wait('refused');
    expect(reason).toMatch(/^no access: .*does not appear to be a git repository/);
    expect(agents.aptitude(repository())).toEqual({ noAccess: reason, warm: false });
  });
});
