import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClosableAgentRunner, createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import { CommandExecutor } from '../../../src/agents/executors/command.ts';
import type { Executor, ExecutorContext, ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import type { VerifySettings } from '../../../src/agents/verify/choose.ts';
import type { Job, StopReason } from '../../../src/protocol/agent.ts';
import { branchOf, type TaskBody } from '../../../src/protocol/record.ts';
import { waitFor } from '../../support/wait.ts';
import { PathForge } from '../path-forge.ts';
import {
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
let origin = '';
let forge: PathForge;
let runners: ClosableAgentRunner[] = [];

beforeEach(() => {
  origin = makeRepository(folder.path);
  forge = new PathForge(origin, true);
  runners = [];
});
afterEach(() => Promise.all(runners.map((runner) => runner.close())));

interface Start {
  readonly executor: string | Executor;
  readonly body?: Partial<TaskBody>;
  readonly settings?: Partial<VerifySettings>;
  readonly job?: Partial<Job>;
}

function start({ executor, body, settings, job: changes }: Start) {
  const agents = createAgentRunner({
    home: join(folder.path, 'home'),
    host: thisHost,
    executor: typeof executor === 'string' ? new CommandExecutor(executor) : executor,
    forgeFor: () => forge,
    files: new CheckpointFolderFiles(join(folder.path, 'checkpoints')),
    specialists: { specialists: [], problems: [] },
    checkpointEveryMs: 60_000,
    verify: { commands: {}, rounds: 2, ...settings },
    backoffMs: [1, 1],
  });
  runners.push(agents);
  const reports = new Reports();
  const job = { ...jobFor(taskFor(origin, body)), ...changes };
  agents.start(job, reports.take);
  /** Grants whatever is asked for. */
  const published = async () => {
    for (const [i, step] of (['push', 'open'] as const).entries()) {
      await reports.wait('ready', i + 1);
      agents.publish(job.run, step, validMs);
    }
    return (await reports.wait('published')).result;
  };
  const log = async (): Promise<string> => {
    const piece = await agents.readLog({ task: job.task.id, attempt: null, offset: 0, limitBytes: 100_000 });
    return 'text' in piece ? piece.text : '';
  };
  return { agents, reports, job, published, log };
}

const onBranch = (job: Job, ...args: string[]): string => person(origin, ...args, branchOf(job.task));
const trailer = (job: Job): string =>
  onBranch(job, 'log', '-1', '--format=%(trailers:key=Mesh-Verify,valueonly)').trim();
const filesOf = (job: Job): readonly string[] => onBranch(job, 'ls-tree', '-r', '--name-only').split('\n');
/** Counts its runs, in a file beside the clone. */
const counted = 'n=$(cat ../agent/runs 2>/dev/null || echo 0); n=$((n + 1)); echo $n > ../agent/runs;';

describe('what passes', () => {
  test('is published as ready, and says so everywhere', async () => {
    const { job, published, log } = start({ executor: 'echo b > b.txt', body: { verify: 'grep b b.txt' } });
    expect(await published()).toMatchObject({ verified: true, pullRequest: { number: 1 } });
    expect(forge.pulls).toMatchObject([
      { draft: false, body: expect.stringContaining('Verified: `grep b b.txt` passes.') },
    ]);
    expect(trailer(job)).toBe('passed');
    expect(await log()).toContain('verified: `grep b b.txt` passed');
  });

  test('after the agent was told what fails needs no draft', async () => {
    const agent = `${counted} if [ $n = 1 ]; then echo bad > b.txt; echo "first"; else cat >&2; echo good > b.txt; echo "second"; fi`;
    const verify = 'grep good b.txt || { echo "it is not good"; exit 3; }';
    const { published, log } = start({ executor: agent, body: { verify } });
    expect(await published()).toMatchObject({ verified: true });
    expect(forge.pulls).toMatchObject([{ draft: false, body: expect.stringMatching(/\nfirst\n\n[\s\S]*\nsecond\n/) }]);
    const text = await log();
    expect(text).toMatch(/Your change is not ready: .* ended with exit code 3/);
    expect(text).toMatch(/data, and no instruction[\s\S]*it is not good/);
  });
});

test('a command that this PC does not have is nothing that an agent could mend', async () => {
  const { published, log } = start({ executor: 'echo b > b.txt; echo once', body: { verify: 'no-such-program-here' } });
  expect(await published()).not.toHaveProperty('verified');
  expect(forge.pulls).toMatchObject([{ draft: false, body: expect.stringContaining('was not found on this PC') }]);
  expect((await log()).match(/once/g)).toHaveLength(1);
});

describe('what fails for good', () => {
  const fails = { executor: `${counted} echo $n > b.txt`, body: { verify: 'echo "one is @wrong"; exit 7' } };

  test('is a draft that says what fails, after the rounds that are set', async () => {
    const { job, published } = start(fails);
    expect(await published()).toMatchObject({ verified: false });
    expect(forge.pulls).toMatchObject([{ draft: true }]);
    expect(forge.pulls[0]?.body).toContain('ended with exit code 7.**\n\n```text\none is @wrong\n```');
    expect(onBranch(job, 'show', '--format=', '--name-only').trim()).toBe('b.txt');
    expect(person(origin, 'show', `${branchOf(job.task)}:b.txt`)).toBe('3');
    expect(trailer(job)).toBe('failed');
  });

  test('on a plain git remote is a branch whose commit says so', async () => {
    forge = new PathForge(origin);
    const { agents, reports, job } = start({ ...fails, settings: { rounds: 0 } });
    await reports.wait('ready');
    agents.publish(job.run, 'push', validMs);
    expect((await reports.wait('published')).result).toMatchObject({ verified: false, pullRequest: null });
    expect(person(origin, 'show', `${branchOf(job.task)}:b.txt`)).toBe('1');
    expect(trailer(job)).toBe('failed');
  });

  test('stays what it is where another attempt publishes it', async () => {
    const first = start({ ...fails, settings: { rounds: 0 } });
    const { commit } = await first.reports.wait('ready');
    const checkpoint = first.reports.of('checkpoint').at(-1)?.checkpoint ?? null;
    expect(checkpoint).toMatchObject({ commit, finished: true });
    await first.agents.close();
    const next = start({ executor: 'exit 1', body: fails.body, job: { attempt: 2, checkpoint } });
    expect(await next.published()).toMatchObject({ verified: false });
    expect(forge.pulls).toMatchObject([{ draft: true, body: expect.stringContaining('failed in an earlier attempt') }]);
  });

  test('and was pushed already is opened as the draft that it is', async () => {
    const first = start({ ...fails, settings: { rounds: 0 } });
    await first.reports.wait('ready');
    first.agents.publish(first.job.run, 'push', validMs);
    const { commit } = await first.reports.wait('ready', 2);
    await first.agents.close();
    const next = start({ executor: 'exit 1', body: fails.body, job: { publication: { commit, expectedTip: null } } });
    await next.reports.wait('ready');
    next.agents.publish(next.job.run, 'open', validMs);
    expect((await next.reports.wait('published')).result).toMatchObject({ commit, verified: false });
    expect(forge.pulls).toMatchObject([{ draft: true }]);
  });

  test('is what was finished before, where the agent gives up on it', async () => {
    const agent = `${counted} [ $n = 1 ] || { rm b.txt; echo "no idea"; exit 1; }; echo b > b.txt`;
    const { job, published, log } = start({ executor: agent, body: { verify: 'false' } });
    expect(await published()).toMatchObject({ verified: false });
    expect(filesOf(job)).toEqual(['a.txt', 'b.txt']);
    expect(await log()).toMatch(/what fails was not mended: .*no idea/);
  });

  test('is stopped at its limits, and told as that', async () => {
    const limits = { wallMs: 60_000, idleMs: 4_000, budgetUsd: null };
    const { published } = start({
      executor: 'echo b > b.txt',
      body: { verify: 'sleep 600', limits },
      settings: { rounds: 0 },
    });
    expect(await published()).toMatchObject({ verified: false });
    expect(forge.pulls[0]?.body).toContain('was stopped after 4 s without output');
  });
});

describe('the commit holds the agent’s work', () => {
  test('and not what verify leaves behind, in any round', async () => {
    const agent = `${counted} echo $n > b.txt; test -e coverage/seen && git add -A && git commit -qm "all of it"; true`;
    const verify = 'mkdir -p coverage; echo x > coverage/seen; exit 1';
    const { job, published } = start({ executor: agent, body: { verify } });
    await published();
    expect(filesOf(job)).toEqual(['a.txt', 'b.txt']);
    expect(person(origin, 'show', `${branchOf(job.task)}:b.txt`)).toBe('3');
  });

  test.each([
    ['left as they are', ''],
    ['committed by the agent', 'git add -A && git commit -qm "all of it";'],
  ])('and neither what verify changes nor what it removes, %s', async (_, commit) => {
    const agent = `${counted} [ $n = 1 ] || { ${commit} true; }; if [ $n = 1 ]; then echo mine > b.txt; fi; echo $n > n.txt`;
    const verify = 'echo snapshot >> b.txt; rm -f a.txt; exit 1';
    const { job, published } = start({ executor: agent, body: { verify } });
    await published();
    expect(filesOf(job)).toEqual(['a.txt', 'b.txt', 'n.txt']);
    expect(person(origin, 'show', `${branchOf(job.task)}:b.txt`)).toBe('mine');
    expect(person(origin, 'show', `${branchOf(job.task)}:n.txt`)).toBe('3');
  });

  test('with what verify has changed and the agent has changed again', async () => {
    const agent = `${counted} echo $n > n.txt; [ $n = 1 ] || { echo mine > a.txt; }`;
    const verify = 'grep -q mine a.txt || { echo x > a.txt; exit 1; }';
    const { job, published } = start({ executor: agent, body: { verify } });
    expect(await published()).toMatchObject({ verified: true });
    expect(person(origin, 'show', `${branchOf(job.task)}:a.txt`)).toBe('mine');
  });

  test('with what the agent makes in the place of a folder that verify has removed', async () => {
    const agent = `${counted} [ $n = 1 ] && { mkdir d; echo 1 > d/one; }; [ $n = 1 ] || echo mine > d`;
    const { job, published } = start({ executor: agent, body: { verify: 'test -f d || { rm -r d; exit 1; }' } });
    expect(await published()).toMatchObject({ verified: true });
    expect(person(origin, 'show', `${branchOf(job.task)}:d`)).toBe('mine');
  });

  test('with what the agent makes below a file that verify has removed', async () => {
    const agent = `${counted} [ $n = 1 ] && echo 1 > d; [ $n = 1 ] || { mkdir d; echo mine > d/one; }`;
    const { job, published } = start({ executor: agent, body: { verify: 'test -d d || { rm d; exit 1; }' } });
    expect(await published()).toMatchObject({ verified: true });
    expect(person(origin, 'show', `${branchOf(job.task)}:d/one`)).toBe('mine');
  });

  test('and not a repository that verify makes', async () => {
    const verify =
      'git init -q nested; git -C nested -c user.name=x -c user.email=x commit -q --allow-empty -m x; exit 1';
    const { job, published } = start({ executor: `${counted} echo $n > b.txt`, body: { verify } });
    await published();
    expect(filesOf(job)).toEqual(['a.txt', 'b.txt']);
    expect(person(origin, 'show', `${branchOf(job.task)}:b.txt`)).toBe('3');
  });

  test('with what verify has left and the agent has taken up', async () => {
    const agent = `${counted} echo $n > b.txt; if [ -e made.txt ]; then echo mine > made.txt; fi`;
    const { job, published } = start({
      executor: agent,
      body: { verify: 'test -e made.txt || { echo made > made.txt; exit 1; }' },
    });
    expect(await published()).toMatchObject({ verified: true });
    expect(person(origin, 'show', `${branchOf(job.task)}:made.txt`)).toBe('mine');
  });

  test('though verify alone changes nothing into something', async () => {
    const { reports } = start({ executor: 'echo "nothing to do"', body: { verify: 'echo x > x.txt; exit 1' } });
    expect(await reports.wait('failed')).toMatchObject({
      reason: 'the agent changed nothing; it said: nothing to do',
    });
  });

  test('whatever verify does to the repository that it is pushed from', async () => {
    const evil = 'rm -rf ../publish.git/refs; git -C ../publish.git config url.file:///nowhere.insteadOf /; true';
    const { job, published } = start({ executor: 'echo b > b.txt', body: { verify: evil } });
    expect(await published()).toMatchObject({ verified: true });
    expect(filesOf(job)).toEqual(['a.txt', 'b.txt']);
  });
});

describe('what is run', () => {
  const withFiles = (files: Readonly<Record<string, string>>): void => {
    const checkout = join(folder.path, 'checkout');
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(checkout, path, '..'), { recursive: true });
      writeFileSync(join(checkout, path), text);
    }
    person(checkout, 'add', '--all');
    person(checkout, 'commit', '--quiet', '-m', 'more');
    person(checkout, 'push', '--quiet', 'origin', 'main');
  };

  test('is what the repository says, which the agent is told', async () => {
    withFiles({ Makefile: 'test:\n\t@grep good b.txt\n' });
    const { published, log } = start({ executor: 'cat >&2; echo good > b.txt' });
    expect(await published()).toMatchObject({ verified: true });
    expect(forge.pulls[0]?.body).toContain('Verified: `make test` passes.');
    expect(await log()).toContain('This command must pass when you are done: `make test`');
  });

  test('is npm’s, with what it needs installed first', async () => {
    const test = 'test -d node_modules && grep good b.txt';
    withFiles({
      'package.json': JSON.stringify({
        name: 'x',
        version: '1.0.0',
        scripts: { test },
        dependencies: { y: 'file:./y' },
      }),
      'y/package.json': JSON.stringify({ name: 'y', version: '1.0.0' }),
      '.gitignore': 'node_modules\n',
    });
    const { published } = start({ executor: 'echo good > b.txt' });
    expect(await published()).toMatchObject({ verified: true });
    expect(forge.pulls[0]?.body).toContain('Verified: `npm test` passes.');
  }, 60_000);

  test('is what the first tests of a repository are run by', async () => {
    const { published } = start({ executor: "printf 'test:\\n\\t@true\\n' > Makefile" });
    expect(await published()).toMatchObject({ verified: true });
  });

  test('runs in the task’s folder', async () => {
    withFiles({ 'packages/web/index.js': '1\n' });
    const { published } = start({
      executor: 'echo b > b.txt',
      body: { path: 'packages/web', verify: 'test -e index.js && test -e b.txt' },
    });
    expect(await published()).toMatchObject({ verified: true });
  });

  test('is what is set for the repository, before what it says, and after what the task says', async () => {
    withFiles({ Makefile: 'test:\n\tfalse\n' });
    const settings = { commands: { [origin]: 'echo the set one' }, rounds: 0 };
    const { published } = start({ executor: 'echo b > b.txt', settings });
    expect(await published()).toMatchObject({ verified: true });
    expect(forge.pulls[0]?.body).toContain('`echo the set one` passes');
    const told = start({ executor: 'echo c > c.txt', settings, body: { title: 'Another', verify: 'false' } });
    expect(await told.published()).toMatchObject({ verified: false });
  });

  test.each([
    ['nothing is found', {}, {}, /no test command was given, and none was found/],
    ['it is switched off', { Makefile: 'test:\n\tfalse\n' }, { off: true }, /switched off/],
    [
      'its program is not here',
      { 'pytest.ini': '', 'uv.lock': '' },
      { path: '/usr/bin:/bin' },
      /needs `uv`, which is not on/,
    ],
  ])('is nothing where %s, which is said and is no failure', async (_, files, set, said) => {
    if (Object.keys(files).length > 0) withFiles(files as Readonly<Record<string, string>>);
    const before = process.env.PATH;
    if ('path' in set) process.env.PATH = set.path;
    try {
      const commands = 'off' in set ? { [origin]: false as const } : {};
      const { job, published } = start({ executor: 'echo b > b.txt', settings: { commands } });
      expect(await published()).not.toHaveProperty('verified');
      expect(forge.pulls).toMatchObject([{ draft: false, body: expect.stringMatching(/Not verified: /) }]);
      expect(forge.pulls[0]?.body).toMatch(said);
      expect(trailer(job)).toBe('');
    } finally {
      process.env.PATH = before;
    }
  });

  test('sees no token, and that nobody looks on', async () => {
    process.env.GITHUB_TOKEN = 'secret';
    try {
      const { published } = start({
        executor: 'echo b > b.txt',
        body: { verify: 'test -z "$GITHUB_TOKEN" && test "$CI" = true' },
      });
      expect(await published()).toMatchObject({ verified: true });
    } finally {
      delete process.env.GITHUB_TOKEN;
    }
  });
});

describe('a stop while verify runs', () => {
  const slow = { executor: 'echo b > b.txt', body: { verify: 'echo x > dropping; echo up; exec sleep 600' } };
  const stopped = async (reason: StopReason) => {
    const one = start(slow);
    await waitFor('verify', () => one.reports.of('progress').some(({ text }) => text === 'verifying: up'));
    one.agents.stop(one.job.run, reason);
    await one.reports.wait('stopped');
    return one;
  };

  test('ends it, and hands over the work as it was before', async () => {
    const { reports, job } = await stopped('draining');
    const checkpoints = reports.of('checkpoint');
    expect(checkpoints).toMatchObject([{ checkpoint: { finished: false, number: 1 } }]);
    const checkpoint = checkpoints[0]?.checkpoint ?? null;
    const next = start({ executor: 'ls; true', body: { verify: 'true' }, job: { attempt: 2, checkpoint } });
    await next.published();
    expect(filesOf(next.job)).toEqual(['a.txt', 'b.txt']);
    expect(job.attempt).toBe(1);
  });
});

describe('all rounds of an attempt', () => {
  /** Costs 2 dollars a run, and never mends anything. */
  const costly = (seen: ExecutorContext[]): Executor => ({
    name: 'costly',
    session: null,
    usable: async () => ({ usable: true }),
    run: async (context: ExecutorContext, onEvent: (event: ExecutorEvent) => void) => {
      seen.push(context);
      writeFileSync(join(context.cwd, 'b.txt'), `${seen.length}\n`);
      for (const costUsd of [1, 2]) onEvent({ type: 'usage', inputTokens: 1, outputTokens: 1, costUsd });
      return { type: 'finished', summary: null };
    },
  });

  test('share its budget, and what is told of their cost never falls', async () => {
    const seen: ExecutorContext[] = [];
    const { reports, published } = start({
      executor: costly(seen),
      body: { verify: 'false' },
      job: { spendableUsd: 3.5 },
    });
    await published();
    expect(seen.map(({ limits }) => limits.costUsd)).toEqual([3.5, 1.5]);
    expect((await reports.wait('published')).costUsd).toBe(4);
    const told = reports.of('progress').map(({ costUsd }) => costUsd ?? 0);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  test('know what the earlier ones have cost where there is no budget', async () => {
    const seen: ExecutorContext[] = [];
    const { published } = start({ executor: costly(seen), body: { verify: 'false' } });
    await published();
    expect(seen.map(({ limits }) => [limits.costUsd, limits.spentUsd])).toEqual([
      [null, 0],
      [null, 2],
      [null, 4],
    ]);
  });

  test('share its time', async () => {
    const seen: ExecutorContext[] = [];
    const limits = { wallMs: 20_000, idleMs: 10_000, budgetUsd: null };
    const { published } = start({
      executor: costly(seen),
      body: { verify: 'sleep 0.3; false', limits },
      settings: { rounds: 1 },
    });
    await published();
    const [first, second] = seen.map((one) => one.limits.wallMs);
    expect(first).toBeLessThanOrEqual(20_000);
    expect(second).toBeLessThan((first ?? 0) - 300);
  });
});
