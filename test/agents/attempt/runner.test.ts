import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClosableAgentRunner, createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import type { NoExecutor } from '../../../src/agents/executors/choose.ts';
import { CommandExecutor } from '../../../src/agents/executors/command.ts';
import type { Executor } from '../../../src/agents/executors/executor.ts';
import { GitError } from '../../../src/agents/git.ts';
import type { Job } from '../../../src/protocol/agent.ts';
import { type BlobId, type CommitId, wallMs } from '../../../src/protocol/ids.ts';
import { branchOf, type Task } from '../../../src/protocol/record.ts';
import { waitFor } from '../../support/wait.ts';
import { PathForge } from '../path-forge.ts';
import {
  alive,
  CheckpointFolderFiles,
  jobFor,
  makeRepository,
  person,
  Reports,
  taskFor,
  thisHost,
  useFolder,
} from '../support.ts';

const folder = useFolder();
const validMs = 30_000;
const network = new GitError('network', 'git push: fatal: the network is down', '', 128);
let origin = '';
let home = '';
let forge: PathForge;
let files: CheckpointFolderFiles;
let runners: ClosableAgentRunner[] = [];

beforeEach(() => {
  origin = makeRepository(folder.path);
  home = join(folder.path, 'home');
  forge = new PathForge(origin);
  files = new CheckpointFolderFiles(join(folder.path, 'checkpoints'));
  runners = [];
  checkpointEveryMs = 100;
});
afterEach(() => Promise.all(runners.map((runner) => runner.close())));

let checkpointEveryMs = 100;
function runner(executor: string | Executor | NoExecutor): ClosableAgentRunner {
  const made = createAgentRunner({
    home,
    host: thisHost,
    executor: typeof executor === 'string' ? new CommandExecutor(executor) : executor,
    forgeFor: () => forge,
    files,
    specialists: { specialists: [], problems: [] },
    checkpointEveryMs,
    backoffMs: [1, 1],
  });
  runners.push(made);
  return made;
}

function start(executor: string | Executor | NoExecutor, job: Job = jobFor(taskFor(origin))) {
  const reports = new Reports();
  const agents = runner(executor);
  agents.start(job, reports.take);
  return { agents, reports, job };
}

/** The mark that everything started from this home begins with. */
const homeMark = (): string => `${createHash('sha256').update(home).digest('hex').slice(0, 16)}.`;
const onBranch = (task: Task, ...args: string[]): string => person(origin, ...args, branchOf(task));
const workFolders = (): readonly string[] => readdirSync(join(home, 'work'));
const writes = 'echo b > b.txt; echo working';

describe('a job', () => {
  test('goes from a task to a pushed branch', async () => {
    // Long enough for its line to be reported before the next one takes its place.
    const { agents, reports, job } = start(`${writes}; sleep 0.5`);
    const ready = await reports.wait('ready');
    expect(ready).toEqual({ type: 'ready', step: 'push', commit: expect.any(String), expectedTip: null });
    expect(forge.pushes).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('published')).toEqual({
      type: 'published',
      result: { branch: branchOf(job.task), commit: ready.commit, pullRequest: null },
      costUsd: null,
    });
    expect(onBranch(job.task, 'log', '-1', '--format=%H %s')).toBe(`${ready.commit} Add a file`);
    expect(reports.of('progress').map(({ text }) => text)).toContain('working');
    expect(reports.all.at(-1)?.type).toBe('published');
    expect(workFolders()).toEqual([]);
  });

  test('reports nothing before `start` has returned', async () => {
    const reports = new Reports();
    const agents = runner({ reason: 'no executor' });
    agents.start(jobFor(taskFor(origin)), reports.take);
    expect(reports.all).toEqual([]);
    await reports.wait('refused');
  });

  test('opens a pull request under a grant of its own', async () => {
    forge = new PathForge(origin, true);
    const { agents, reports, job } = start(writes);
    const { commit } = await reports.wait('ready');
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('ready', 2)).toEqual({ type: 'ready', step: 'open', commit, expectedTip: commit });
    expect(forge.pulls).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    agents.publish(job.run, 'open', validMs);
    const { result } = await reports.wait('published');
    expect(result.pullRequest).toEqual({ number: 1, url: 'https://forge.example/1', state: 'open' });
    expect(forge.pulls).toMatchObject([{ title: 'Add a file', body: expect.stringContaining('working') }]);
  });

  test('is logged, and the log ends with how it ended', async () => {
    const { agents, reports, job } = start('echo out; echo err >&2; exit 1');
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
    const { agents, reports, job } = start(writes);
    const second = new Reports();
    agents.start(job, second.take);
    await second.wait('refused');
    await reports.wait('ready');
    expect(second.all.length).toBe(1);
  });
});

describe('a grant', () => {
  test('that has run out is asked for again, and nothing was pushed', async () => {
    const { agents, reports, job } = start(writes);
    const first = await reports.wait('ready');
    agents.publish(job.run, 'push', 0);
    expect(await reports.wait('ready', 2)).toEqual(first);
    expect(forge.pushes).toEqual([]);
    agents.publish(job.run, 'push', validMs);
    await reports.wait('published');
  });

  test('that nobody asked for does nothing', async () => {
    const { agents, reports, job } = start(`${writes}; sleep 0.3`);
    agents.publish(job.run, 'push', validMs);
    agents.publish(job.run, 'open', validMs);
    await reports.wait('ready');
    expect(forge.pushes).toEqual([]);
  });
});

describe('the branch', () => {
  const pushed = async (job: Job, executor = writes): Promise<string> => {
    const { agents, reports } = start(executor, job);
    await reports.wait('ready');
    agents.publish(job.run, 'push', validMs);
    return (await reports.wait('published')).result.commit ?? '';
  };
  const personPushes = (branch: string): string => {
    const checkout = join(folder.path, 'checkout');
    person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'mine');
    person(checkout, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return person(checkout, 'rev-parse', 'HEAD');
  };

  test('at an earlier attempt’s commit is replaced', async () => {
    const task = taskFor(origin);
    const earlier = await pushed(jobFor(task, 1));
    const { agents, reports, job } = start('echo c > c.txt', jobFor(task, 2));
    const ready = await reports.wait('ready');
    expect(ready.expectedTip).toBe(earlier);
    agents.publish(job.run, 'push', validMs);
    await reports.wait('published');
    expect(onBranch(task, 'rev-parse')).toBe(ready.commit);
  });

  test('at a later attempt’s commit is adopted', async () => {
    const task = taskFor(origin);
    const later = await pushed(jobFor(task, 2));
    const { reports } = start('echo c > c.txt', jobFor(task, 1));
    expect((await reports.wait('published')).result.commit).toBe(later);
    expect(onBranch(task, 'rev-parse')).toBe(later);
  });

  test('that somebody else has is left alone, and the task ends', async () => {
    const task = taskFor(origin);
    const theirs = personPushes(branchOf(task));
    const { reports } = start(writes, jobFor(task));
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringMatching(/^branch-taken: /),
    });
    expect(onBranch(task, 'rev-parse')).toBe(theirs);
  });

  test('that moves under the push is judged again', async () => {
    const { agents, reports, job } = start(writes);
    await reports.wait('ready');
    let theirs = '';
    forge.beforePush = () => {
      theirs = personPushes(branchOf(job.task));
    };
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringMatching(/^branch-taken: /),
    });
    expect(onBranch(job.task, 'rev-parse')).toBe(theirs);
  });

  test('that is at the committed publication needs no agent', async () => {
    const task = taskFor(origin);
    const commit = (await pushed(jobFor(task, 1))) as NonNullable<Job['publication']>['commit'];
    forge = new PathForge(origin, true);
    const { agents, reports, job } = start('touch ran', jobFor(task, 2, { commit, expectedTip: null }));
    expect(await reports.wait('ready')).toEqual({ type: 'ready', step: 'open', commit, expectedTip: commit });
    agents.publish(job.run, 'open', validMs);
    expect(await reports.wait('published')).toMatchObject({ result: { commit, pullRequest: { number: 1 } } });
    expect(reports.of('progress')).toEqual([]);
  });

  test('that is elsewhere: the agent runs again', async () => {
    const commit = 'a'.repeat(40) as NonNullable<Job['publication']>['commit'];
    const { reports } = start(writes, jobFor(taskFor(origin), 2, { commit, expectedTip: null }));
    expect(await reports.wait('ready')).toMatchObject({ step: 'push', expectedTip: null });
  });
});

describe('a network that fails', () => {
  test('for a while costs only time', async () => {
    forge = new PathForge(origin, true);
    for (const by of ['tip', 'push', 'open'] as const) forge.failures.push({ by, error: network });
    const { agents, reports, job } = start(writes);
    for (const [i, step] of (['push', 'push', 'open', 'open'] as const).entries()) {
      expect(await reports.wait('ready', i + 1)).toMatchObject({ step });
      agents.publish(job.run, step, validMs);
    }
    await reports.wait('published');
    expect(forge.pushes.length).toBe(1);
  });

  test('after a push that did arrive: it is found, not repeated', async () => {
    const { agents, reports, job } = start(writes);
    const { commit } = await reports.wait('ready');
    forge.beforePush = () => {
      const clone = join(home, 'work', readdirSync(join(home, 'work'))[0] ?? '', 'publish.git');
      person(clone, 'push', '--quiet', origin, `${commit}:refs/heads/${branchOf(job.task)}`);
      throw network;
    };
    agents.publish(job.run, 'push', validMs);
    expect(await reports.wait('published')).toMatchObject({ result: { commit } });
    expect(forge.pushes).toEqual([]);
  });

  test('for good fails the attempt', async () => {
    for (let i = 0; i < 3; i++) forge.failures.push({ by: 'tip', error: network });
    const { reports } = start(writes);
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
    const { reports } = start(command);
    expect(await reports.wait('failed')).toMatchObject({ final: false, reason: expect.stringMatching(reason) });
  });

  test('a task that fits no repository is final', async () => {
    const { reports } = start(writes, jobFor(taskFor(origin, { base: 'none' })));
    expect(await reports.wait('failed')).toMatchObject({
      final: true,
      reason: expect.stringContaining('no branch `none`'),
    });
  });

  test('no executor: refused, with the mend', async () => {
    const { reports } = start({ reason: 'no executor: give --command CMD' });
    expect(await reports.wait('refused')).toMatchObject({ reason: expect.stringContaining('--command') });
  });

  test('a quota is told with its end and the cost', async () => {
    const until = 1_800_000_000_000 as never;
    const { reports } = start({
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
    const { reports } = start({
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

describe('stop', () => {
  test('ends the agent’s whole tree, then says so once', async () => {
    const { agents, reports, job } = start('setsid sleep 300 & echo up; wait');
    await waitFor('the agent', () => reports.of('progress').some(({ text }) => text === 'up'));
    expect(alive(homeMark())).toBeGreaterThan(1);
    agents.stop(job.run, 'cancelled');
    await reports.wait('stopped');
    expect(alive(homeMark())).toBe(0);
    expect(workFolders()).toEqual([]);
    expect(reports.all.at(-1)).toEqual({ type: 'stopped' });
  });

  test('while it waits for a grant: nothing is pushed', async () => {
    const { agents, reports, job } = start(writes);
    await reports.wait('ready');
    agents.stop(job.run, 'superseded');
    agents.publish(job.run, 'push', validMs);
    await reports.wait('stopped');
    expect(forge.pushes).toEqual([]);
  });

  test('at once after the start', async () => {
    const { agents, reports, job } = start(writes);
    agents.stop(job.run, 'draining');
    await reports.wait('stopped');
    expect(reports.all).toEqual([{ type: 'stopped' }]);
  });

  test('of all by close, after which nothing starts', async () => {
    const { agents, reports, job } = start('sleep 300');
    await waitFor('the agent', () => alive(homeMark()) > 0);
    await agents.close();
    expect(reports.all.at(-1)).toEqual({ type: 'stopped' });
    expect(alive(homeMark())).toBe(0);
    const late = new Reports();
    agents.start(job, late.take);
    await late.wait('refused');
  });
});

test('what a killed peer has left of folders and processes is removed at the start', async () => {
  mkdirSync(join(home, 'work', 'abcdef12-1', 'clone'), { recursive: true });
  mkdirSync(join(home, 'tmp', 'branch-x'), { recursive: true });
  const env = { PATH: process.env.PATH, ISSUE_MESH_RUN: `${homeMark()}old` };
  const old = spawn('sleep', ['300'], { env, stdio: 'ignore', detached: true });
  const exit = once(old, 'exit');
  const { reports } = start(writes);
  expect((await exit)[1]).toBe('SIGKILL');
  await reports.wait('ready');
  expect(workFolders().length).toBe(1);
  expect(existsSync(join(home, 'tmp'))).toBe(false);
});

describe('aptitude', () => {
  const repository = () => taskFor(origin).body.repository;

  test('warm once the repository was fetched', async () => {
    const { agents, reports } = start(writes);
    expect(agents.aptitude(repository())).toEqual({ noAccess: null, warm: false });
    await reports.wait('ready');
    expect(agents.aptitude(repository())).toEqual({ noAccess: null, warm: true });
  });

  test('a path is worked on where it is', () => {
    const agents = runner(writes);
    const path = join(folder.path, 'none');
    expect(agents.aptitude({ type: 'path', path: origin, host: 'host-2' as never }).noAccess).toMatch(/another PC/);
    expect(agents.aptitude({ type: 'path', path, host: thisHost }).noAccess).toContain(path);
    writeFileSync(path, '');
    expect(agents.aptitude({ type: 'path', path, host: thisHost }).noAccess).toContain(path);
  });

  test('a refusal is remembered', async () => {
    rmSync(origin, { recursive: true });
    mkdirSync(origin);
    const { agents, reports } = start(writes);
    const { reason } = await reports.wait('refused');
    expect(reason).toMatch(/^no access: .*does not appear to be a git repository/);
    expect(agents.aptitude(repository())).toEqual({ noAccess: reason, warm: false });
  });
});

describe('an attempt that another one goes on with', () => {
  const endless = `echo b > b.txt; echo saved; exec sleep 600`;

  test('saves its progress while it works', async () => {
    const { reports } = start(endless);
    const { checkpoint } = await reports.wait('checkpoint');
    expect(checkpoint).toMatchObject({
      attempt: 1,
      number: 1,
      finished: false,
      session: null,
      base: person(origin, 'rev-parse', 'main'),
    });
    expect(checkpoint.commit).not.toBe(checkpoint.base);
  });

  test('saves it as soon as the agent has committed, however long the interval is', async () => {
    checkpointEveryMs = 600_000;
    const commits = 'echo b > b.txt; git add .; git commit -qm "Add b"; exec sleep 600';
    const { reports } = start(commits);
    const { checkpoint } = await reports.wait('checkpoint');
    expect(checkpoint).toMatchObject({ attempt: 1, number: 1, finished: false });
  });

  test('saves it once more when it is handed over', async () => {
    const { agents, reports, job } = start(
      `echo b > b.txt; echo one; sleep 0.4; echo c > c.txt; echo two; exec sleep 600`,
    );
    await waitFor('the second file', () => reports.of('progress').some(({ text }) => text.includes('two')));
    agents.stop(job.run, 'draining');
    await reports.wait('stopped');
    const last = reports.of('checkpoint').at(-1)?.checkpoint;
    const next = start('test -e b.txt && test -e c.txt && echo d > d.txt', {
      ...jobFor(job.task, 2),
      checkpoint: last ?? null,
    });
    next.agents.publish(next.job.run, 'push', 10_000);
    await next.reports.wait('ready');
    next.agents.publish(next.job.run, 'push', 10_000);
    await next.reports.wait('published');
    expect(onBranch(job.task, 'ls-tree', '--name-only').split('\n')).toEqual(['a.txt', 'b.txt', 'c.txt', 'd.txt']);
  });

  test('has its session, and saves nothing while nothing changes', async () => {
    const remembers =
      'echo b > b.txt; echo thought >> "$PEER_SESSION_DIR/notes"; cat "$PEER_SESSION_DIR/notes"; sleep 600';
    const first = start(remembers);
    await waitFor('it has written', () => first.reports.of('progress').some(({ text }) => text === 'thought'));
    first.agents.stop(first.job.run, 'draining');
    await first.reports.wait('stopped');
    const checkpoint = first.reports.of('checkpoint').at(-1)?.checkpoint ?? null;
    expect(checkpoint?.session).toBe('command');
    const reads = 'test -e b.txt && sed "s/^/a /" "$PEER_SESSION_DIR/notes"; sleep 600';
    const next = start(reads, { ...jobFor(first.job.task, 2), checkpoint });
    await waitFor('the thought', () => next.reports.of('progress').some(({ text }) => text === 'a thought'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(next.reports.of('checkpoint')).toEqual([]);
  });

  /** I3: the fence goes by the number, and an attempt between the two may still push after a fork. */
  test('is published without an agent where only that was left, under the number of the attempt that publishes', async () => {
    const first = start(writes);
    const { commit } = await first.reports.wait('ready');
    const checkpoint = first.reports.of('checkpoint').at(-1)?.checkpoint ?? null;
    expect(checkpoint).toMatchObject({ commit, finished: true });
    first.agents.stop(first.job.run, 'superseded');
    await first.reports.wait('stopped');
    const publication = { commit, expectedTip: null };
    const next = start('echo an agent ran; exit 1', { ...jobFor(first.job.task, 3, publication), checkpoint });
    await next.reports.wait('ready');
    next.agents.publish(next.job.run, 'push', 10_000);
    await next.reports.wait('published');
    expect(onBranch(first.job.task, 'ls-tree', '--name-only').split('\n')).toEqual(['a.txt', 'b.txt']);
    const trailer = '--format=%(trailers:key=Mesh-Attempt,valueonly)';
    expect(onBranch(first.job.task, 'log', '-1', trailer).trim()).toBe('3');
  });

  test('starts afresh where the checkpoint cannot be had', async () => {
    const checkpoint = {
      blob: 'f'.repeat(64) as BlobId,
      bytes: 10,
      base: person(origin, 'rev-parse', 'main') as CommitId,
      commit: 'e'.repeat(40) as CommitId,
      attempt: 1,
      number: 1,
      finished: false,
      session: null,
      at: wallMs(1),
    };
    const { reports } = start(writes, { ...jobFor(taskFor(origin), 2), checkpoint });
    await reports.wait('ready');
  });
});
