import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ClaudeCodeExecutor } from '../../../../src/agents/executors/claude-code/executor.ts';
import { claudeCodeSettings } from '../../../../src/agents/executors/claude-code/settings.ts';
import { useBench } from '../../../contracts/executor.ts';
import { badKey, forbidden, noCredit, says, turn, usageLimit } from '../../../support/messages-api/script.ts';
import { MessagesApi } from '../../../support/messages-api/server.ts';
import type { StandInPlan } from '../../../support/stand-in-claude.ts';
import { waitFor } from '../../../support/wait.ts';
import { alive, useFolder } from '../../support.ts';
import { callsOf, ofType, standIn } from './support.ts';

const bench = useBench();
const folder = useFolder();
const cli = (): string => join(folder.path, 'cli');
const calls = () => callsOf(cli());
const key = { ANTHROPIC_API_KEY: 'sk-ant-secret' };

/** The executor of a PC on which the stand-in is installed. */
const executorOf = (plan: Partial<StandInPlan> = {}, env: Record<string, string> = key) =>
  new ClaudeCodeExecutor(
    claudeCodeSettings({
      PATH: process.env.PATH,
      HOME: folder.path,
      CLAUDE_CODE_PATH: standIn(cli(), plan),
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      ...env,
    }),
  );

describe('a run', () => {
  test('is told and ends as the transcript does, in folders of the attempt', async () => {
    const outcome = await bench.run(executorOf(), { specialist: { prompt: 'You are a tester.', model: 'haiku' } });
    expect(outcome).toEqual({ type: 'finished', summary: 'All done.\nTwo files were written.' });
    expect(bench.progress()).toContain('Write /clone/b.txt');
    const [call] = calls();
    expect(call).toMatchObject({ cwd: bench.cwd, prompt: 'Please add b.txt.' });
    expect(call?.args).toEqual(
      expect.arrayContaining(['--model', 'haiku', '--max-turns', '50', '--max-budget-usd', '5']),
    );
    expect(call?.env.CLAUDE_CONFIG_DIR?.startsWith(join(bench.cwd, '..', 'agent', 'claude-'))).toBe(true);
    expect(alive(bench.mark)).toBe(0);
  });

  test('is given neither the key nor anything else of the peer’s', async () => {
    Object.assign(process.env, { GITHUB_TOKEN: 's3cret', PEER_MESH_KEY: 's3cret', ...key });
    try {
      await bench.run(executorOf());
      expect(JSON.stringify(calls())).not.toMatch(/s3cret|sk-ant-secret/);
    } finally {
      for (const name of ['GITHUB_TOKEN', 'PEER_MESH_KEY', 'ANTHROPIC_API_KEY']) delete process.env[name];
    }
  });

  test('leaves its conversation in the session, and nothing else', async () => {
    await bench.run(executorOf());
    const id = readFileSync(join(bench.sessionDir, 'id'), 'utf8').trim();
    const files = globSync('**', { cwd: bench.sessionDir, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.map(({ name }) => name).toSorted()).toEqual([`${id}.jsonl`, 'id'].toSorted());
  });

  test('on a plan has no limit of costs but one that was asked for', async () => {
    mkdirSync(join(folder.path, '.claude'));
    const stored = { claudeAiOauth: { accessToken: 'sk-ant-secret', expiresAt: null } };
    writeFileSync(join(folder.path, '.claude', '.credentials.json'), JSON.stringify(stored));
    const executor = executorOf({}, {});
    await bench.run(executor);
    await bench.run(executor, { limits: { costUsd: 2 } });
    const [first, second] = calls();
    expect(first?.args).not.toContain('--max-budget-usd');
    expect(second?.args).toEqual(expect.arrayContaining(['--max-budget-usd', '2']));
    expect(JSON.stringify(calls())).not.toContain('sk-ant-secret');
  });
});

describe('what a run has used', () => {
  const dear = () => turn([says('hello')], { usage: { input: 1_000_000, output: 1 } });
  const usages = () => ofType(bench.events, 'usage');

  test('is what has passed through the gate, and not what the CLI tells', async () => {
    await using api = await new MessagesApi(dear).start();
    const env = { ...key, ANTHROPIC_BASE_URL: api.url };
    expect(await bench.run(executorOf({ asks: true }, env))).toMatchObject({ type: 'finished' });
    // The model of the stand-in's own call is on no list.
    expect(usages().at(-1)).toMatchObject({ inputTokens: 1_000_000, outputTokens: 1 });
    expect(usages().at(-1)?.costUsd).toBeCloseTo(25, 1);
  });

  test('is nothing where only the CLI, or who has put words into its mouth, tells of it', async () => {
    await bench.run(executorOf());
    expect(usages()).toEqual([]);
  });

  test('ends the run with its budget, though the CLI tells of another end', async () => {
    await using api = await new MessagesApi(dear).start();
    const executor = executorOf(
      { asks: true, exitCode: 1, plays: 'overloaded' },
      { ...key, ANTHROPIC_BASE_URL: api.url },
    );
    const limits = { costUsd: 0 };
    expect(await bench.run(executor, { limits })).toEqual({
      type: 'failed',
      reason: 'the budget of $0.00 is spent ($0.00)',
    });
    expect(api.requests).toEqual([]);
  });

  test('has neither a price nor an end on a plan', async () => {
    await using api = await new MessagesApi(dear).start();
    const env = { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-one', ANTHROPIC_BASE_URL: api.url };
    expect(await bench.run(executorOf({ asks: true }, env), { limits: { costUsd: 1 } })).toMatchObject({
      type: 'finished',
    });
    expect(usages().at(-1)).toMatchObject({ inputTokens: 1_000_000, costUsd: null });
  });
});

describe('a session', () => {
  test('goes on with what there is to say, under its id', async () => {
    const executor = executorOf();
    await bench.run(executor);
    await bench.run(executor, { followUp: 'Go on.' });
    const [first, second] = calls();
    const id = readFileSync(join(bench.sessionDir, 'id'), 'utf8').trim();
    expect(first?.args).toEqual(expect.arrayContaining(['--session-id', id]));
    expect(second).toMatchObject({ prompt: 'Go on.', args: expect.arrayContaining(['--resume', id]) });
  });

  test('that is not there begins with all that is to be done', async () => {
    await bench.run(executorOf(), { followUp: 'Go on.' });
    expect(calls()).toMatchObject([
      { prompt: 'Please add b.txt.\n\nGo on.', args: expect.arrayContaining(['--session-id']) },
    ]);
  });

  test('that the CLI cannot find begins anew', async () => {
    const executor = executorOf();
    await bench.run(executor);
    // Something of that name is there, but not where the CLI looks.
    const [file = ''] = globSync(join(bench.sessionDir, 'projects', '*', '*.jsonl'));
    mkdirSync(join(dirname(file), 'deeper'));
    renameSync(file, join(dirname(file), 'deeper', basename(file)));
    const outcome = await bench.run(executor, { followUp: 'Go on.' });
    expect(outcome).toMatchObject({ type: 'finished' });
    expect(calls().map(({ prompt }) => prompt)).toEqual(['Please add b.txt.', 'Go on.', 'Please add b.txt.\n\nGo on.']);
  });
});

/** The CLI says so, or somebody who has put words into its mouth. */
describe('that it can use no model', () => {
  const resetsAtSeconds = Math.ceil(Date.now() / 1_000) + 86_400;
  test.each(['bad-key', 'no-credit', 'plan-limit', 'rate-limited'])('is not believed of %s alone', async (plays) => {
    const outcome = await bench.run(executorOf({ plays, exitCode: 1 }));
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringContaining('the API has refused nothing') });
  });

  test.each([
    ['plan-limit', usageLimit(resetsAtSeconds), resetsAtSeconds * 1_000],
    ['no-credit', noCredit(), null],
  ])('is, as the API has said it (%s)', async (plays, reply, until) => {
    await using api = await new MessagesApi(() => reply).start();
    const outcome = await bench.run(
      executorOf({ plays, exitCode: 1, asks: true }, { ...key, ANTHROPIC_BASE_URL: api.url }),
    );
    expect(outcome).toMatchObject({ type: 'quota', until });
  });

  test('lasts no longer than a while, where the API does not say how long', async () => {
    await using api = await new MessagesApi(() => forbidden()).start();
    const env = { ...key, ANTHROPIC_BASE_URL: api.url };
    const outcome = await bench.run(executorOf({ plays: 'plan-limit', exitCode: 1, asks: true }, env));
    expect(outcome).toMatchObject({ type: 'quota' });
    expect((outcome as { readonly until: number }).until).toBeLessThan(Date.now() + 601_000);
  });
});

describe('it is stopped', () => {
  test('at the first word of a key that is refused, though the CLI would go on', async () => {
    await using api = await new MessagesApi(() => badKey()).start();
    const env = { ...key, ANTHROPIC_BASE_URL: api.url };
    const outcome = await bench.run(executorOf({ plays: 'bad-key', ends: 'silence', asks: true }, env));
    expect(outcome).toMatchObject({ type: 'quota', until: null, reason: expect.stringContaining('ANTHROPIC_API_KEY') });
    expect(alive(bench.mark)).toBe(0);
  });

  test.each(['heartbeats', 'silence'] as const)('when all it tells is %s', async (ends) => {
    const outcome = await bench.run(executorOf({ lines: 20, ends }), { limits: { idleMs: 1_500 } });
    expect(outcome).toEqual({ type: 'failed', reason: 'the agent was stopped after 1.5 s without output' });
    expect(alive(bench.mark)).toBe(0);
  });

  test('by an abort', async () => {
    const outcome = bench.run(executorOf({ lines: 20, ends: 'silence' }));
    await waitFor('its first words', () => bench.progress().length > 0);
    bench.abort.abort();
    expect(await outcome).toEqual({ type: 'interrupted' });
    expect(alive(bench.mark)).toBe(0);
  });
});

test('an exit code without a result is a failure', async () => {
  const outcome = await bench.run(executorOf({ lines: 20 }));
  expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringContaining('exit code 0 and told no result') });
});

describe('it is usable', () => {
  beforeEach(() => mkdirSync(join(folder.path, '.claude')));

  test('with a key, or with a login', async () => {
    expect(await executorOf().usable()).toEqual({ usable: true });
    expect(await executorOf({}, {}).usable()).toMatchObject({
      reason: expect.stringMatching(/\/login.*ANTHROPIC_API_KEY/),
    });
    const stored = { claudeAiOauth: { accessToken: 'a token', expiresAt: 1 } };
    writeFileSync(join(folder.path, '.claude', '.credentials.json'), JSON.stringify(stored));
    expect(await executorOf({}, {}).usable()).toEqual({ usable: true });
  });

  test('not without the program', async () => {
    const executor = executorOf({}, { ...key, CLAUDE_CODE_PATH: '/nowhere/claude' });
    expect(await executor.usable()).toMatchObject({ reason: expect.stringContaining('/nowhere/claude') });
  });
});
