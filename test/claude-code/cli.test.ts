import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Messages } from '@anthropic-ai/sdk/resources/messages';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { ExecutorContext } from '../../src/agents/executors/executor.ts';
import { killAll, useBench } from '../contracts/executor.ts';
import { claudeTools } from '../support/claude-tools.ts';
import type { Call } from '../support/messages-api/call.ts';
import { conversation, type Script, says, type TurnUsage, turn, usageLimit } from '../support/messages-api/script.ts';
import { MessagesApi } from '../support/messages-api/server.ts';
import { waitFor } from '../support/wait.ts';
import { realExecutor } from './support.ts';

const bench = useBench();
const { bash, write } = claudeTools;
const done = turn([says('all done')]);
let api: MessagesApi;
const start = async (script: Script): Promise<string> => {
  api = await new MessagesApi(script).start();
  return api.url;
};
afterEach(() => api.close());
const talk = () => api.calls.filter(({ tools }) => tools.length > 0);
const usages = () => bench.events.flatMap((event) => (event.type === 'usage' ? [event] : []));
const sessionId = (): string => readFileSync(join(bench.sessionDir, 'id'), 'utf8').trim();

describe('a person’s plan', () => {
  const file = join(inject('emptyHome'), '.claude', '.credentials.json');
  const logIn = (accessToken: string): void =>
    writeFileSync(file, JSON.stringify({ claudeAiOauth: { accessToken, expiresAt: Date.now() + 3_600_000 } }));
  beforeEach(() => {
    mkdirSync(join(file, '..'), { recursive: true });
    logIn('sk-ant-oat01-one');
  });

  test('is used by the login that is there at each call, which stays as it is', async () => {
    const script = conversation([turn([bash('touch one.txt')]), turn([bash('touch two.txt')]), done]);
    const url = await start((call) => {
      if (call.turnsSoFar === 1) logIn('sk-ant-oat01-two');
      return script(call);
    });
    expect(await bench.run(realExecutor(url, {}))).toMatchObject({ type: 'finished' });
    const tokens = ['sk-ant-oat01-one', 'sk-ant-oat01-one', 'sk-ant-oat01-two'];
    expect(talk().map(({ headers }) => headers.authorization)).toEqual(tokens.map((token) => `Bearer ${token}`));
    expect(readFileSync(file, 'utf8')).toContain('sk-ant-oat01-two');
    expect(usages().at(-1)).toMatchObject({ outputTokens: 60, costUsd: null });
  });

  test('that is used up makes it unavailable until the reset', async () => {
    const at = Math.floor(Date.now() / 1_000) + 7_200;
    const outcome = await bench.run(realExecutor(await start(() => usageLimit(at)), {}));
    expect(outcome).toMatchObject({
      type: 'quota',
      until: at * 1_000,
      reason: expect.stringContaining('5-hour limit'),
    });
    expect(talk()).toHaveLength(1);
  });
});

test('on another PC the same session goes on, with all that was said, and tells what is new of the costs', async () => {
  const executor = realExecutor(
    await start((call) =>
      conversation([
        turn([says('First.'), write(bench.cwd, 'first.txt', '1\n')], { usage: { input: 50_000 } }),
        turn([bash('touch begun.txt; sleep 300')]),
        turn([bash('pwd > where.txt')]),
        done,
      ])(call),
    ),
    { ANTHROPIC_API_KEY: 'a key' },
  );
  const first = bench.run(executor);
  await waitFor('the second step', () => bench.read('begun.txt') !== null, 20_000, bench.progress);
  killAll(bench.mark);
  expect(await first).toMatchObject({ type: 'failed' });
  const [id, before] = [sessionId(), usages().at(-1)];
  // Nothing but the clone and the session comes along, and the clone is elsewhere.
  const elsewhere = `${bench.cwd}-of-another-name`;
  cpSync(bench.cwd, elsewhere, { recursive: true });
  renameSync(join(bench.cwd, '..', 'agent'), join(bench.cwd, '..', 'agent-before'));
  mkdirSync(join(bench.cwd, '..', 'agent'));
  const second = await bench.run(executor, { followUp: 'Go on now.', cwd: elsewhere });
  expect(second).toMatchObject({ type: 'finished' });
  expect(sessionId()).toBe(id);
  expect(readFileSync(join(elsewhere, 'where.txt'), 'utf8').trim()).toBe(elsewhere);
  const said = JSON.stringify(talk().at(-1)?.messages);
  for (const text of ['Please add b.txt.', 'First.', 'Go on now.']) expect(said).toContain(text);
  expect(before?.inputTokens).toBeGreaterThan(50_000);
  expect(usages().at(-1)?.inputTokens).toBeLessThan(1_000);
});

test('a file of some hundred kilobytes is written, and told of', async () => {
  const content = 'one line of many\n'.repeat(20_000);
  const url = await start((call) => conversation([turn([write(bench.cwd, 'b.txt', content)]), done])(call));
  expect(await bench.run(realExecutor(url, { ANTHROPIC_API_KEY: 'a key' }))).toMatchObject({ type: 'finished' });
  expect(bench.read('b.txt')).toBe(content);
  expect(bench.progress()).toContain('Write b.txt');
});

describe('what the agent’s shell asks of the model by itself', () => {
  const beside = `curl -s -X POST "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_API_KEY" \\
    -H 'content-type: application/json' \\
    -d '{"model":"claude-sonnet-5-5","max_tokens":1,"messages":[{"role":"user","content":"beside"}]}'`;
  const isBeside = ({ messages }: Call): boolean => messages.length === 1 && messages[0]?.content === 'beside';
  const runWith = async (costUsd: number) => {
    const own = conversation([turn([bash(beside)]), done]);
    // A dollar at the prices of Sonnet 5.5.
    const dear = turn([says('dear')], { usage: { input: 400_000, output: 20_000 } });
    const url = await start((call) => (isBeside(call) ? dear : own(call)));
    return bench.run(realExecutor(url, { ANTHROPIC_API_KEY: 'a key' }), { limits: { costUsd } });
  };

  test('is counted, though the CLI knows nothing of it', async () => {
    expect(await runWith(10)).toMatchObject({ type: 'finished' });
    expect(api.calls.filter(isBeside)).toHaveLength(1);
    expect(usages().at(-1)?.costUsd).toBeGreaterThan(1);
    expect(usages().at(-1)?.costUsd).toBeLessThan(1.1);
  });

  test('ends the run once the budget is spent', async () => {
    const reason = expect.stringMatching(/^the budget of \$0\.90 is spent \(\$1\.0\d\)$/);
    expect(await runWith(0.9)).toEqual({ type: 'failed', reason });
    expect(talk()).toHaveLength(1);
  });
});

/** Everything that the CLI says is in a file as well. */
const keepLines: ExecutorContext['confine'] = async (command) => ({
  ...command,
  file: '/bin/sh',
  args: ['-c', '"$0" "$@" | tee ../lines.jsonl', command.file, ...command.args],
});
/** What the CLI itself accounts for, in USD: of this process, which is not all that a resumed session has cost. */
function accountKept(): number {
  const lines = readFileSync(join(bench.cwd, '..', 'lines.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const { model_usage_since_last_result: account } = lines
    .map((line) => JSON.parse(line))
    .find(({ type }) => type === 'result');
  return Object.values<{ costUSD: number }>(account).reduce((sum, { costUSD }) => sum + costUSD, 0);
}

/** A run of one call that has used so much. */
const accountedFor = async (model: string, usage: Partial<TurnUsage>, moreUsage: Partial<Messages.Usage> = {}) => {
  const url = await start(conversation([turn([says('all done')], { usage, moreUsage })]));
  const changes = { specialist: { model }, limits: { costUsd: 1_000 }, confine: keepLines };
  await bench.run(realExecutor(url, { ANTHROPIC_API_KEY: 'a key' }), changes);
  return { metered: usages().at(-1)?.costUsd, account: accountKept() };
};

/** `prices.ts` was measured so: each kind of token alone, by the CLI's own account; a prompt of haiku at 100,000 and above. */
describe.each(['opus', 'sonnet', 'haiku', 'fable', 'claude-sonnet-4-5'])(
  'the prices of %s are the CLI’s own',
  (model) => {
    test.each([
      { input: 100_000, output: 10, cacheWrite: 0, cacheRead: 0 },
      { input: 100_001, output: 10, cacheWrite: 0, cacheRead: 0 },
      { input: 1, output: 1_000_000, cacheWrite: 0, cacheRead: 0 },
      { input: 1, output: 1, cacheWrite: 90_000, cacheRead: 0 },
      { input: 1, output: 1, cacheWrite: 0, cacheRead: 90_000 },
      { input: 1, output: 1, cacheWrite: 0, cacheRead: 1_000_000 },
    ])('for %j', async (usage) => {
      const { metered, account } = await accountedFor(model, usage);
      expect(account).toBeGreaterThan(0);
      expect(metered).toBeCloseTo(account, 8);
    });
  },
);

test.each([
  { cache_creation: { ephemeral_5m_input_tokens: 40_000, ephemeral_1h_input_tokens: 50_000 } },
  { server_tool_use: { web_search_requests: 3, web_fetch_requests: 1 } },
  { inference_geo: 'us' },
])('so is that of %j', async (moreUsage) => {
  const { metered, account } = await accountedFor('sonnet', { cacheWrite: 90_000 }, moreUsage);
  expect(account).toBeGreaterThan(0.225);
  expect(metered).toBeCloseTo(account, 8);
});
