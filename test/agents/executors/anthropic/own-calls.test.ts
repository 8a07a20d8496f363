import { afterEach, expect, test } from 'vitest';
import { AnthropicExecutor } from '../../../../src/agents/executors/anthropic/executor.ts';
import { useBench } from '../../../contracts/executor.ts';
import type { Call } from '../../../support/messages-api/call.ts';
import { conversation, says, turn, uses } from '../../../support/messages-api/script.ts';
import { MessagesApi } from '../../../support/messages-api/server.ts';

const bench = useBench();
const apiKey = 'sk-ant-quite-secret';
let api: MessagesApi;
afterEach(() => api.close());

/** What the agent's own loop knows nothing of: its shell reads the pass where its program was given it, and asks. */
const askBeside = (body: Readonly<Record<string, unknown>>, times: number, isCutShort = false): string => `
cat > ask.mjs <<'END'
import { readFileSync } from 'node:fs';
const { baseUrl, pass } = JSON.parse(readFileSync('../agent/order.json', 'utf8'));
const body = JSON.stringify(${JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'beside' }], ...body })});
const headers = { 'x-api-key': pass, 'content-type': 'application/json' };
for (let i = 0; i < ${times}; i++) {
  const answer = await fetch(baseUrl + '/v1/messages', { method: 'POST', headers, body });
  if (${isCutShort}) {
    const reader = answer.body.getReader();
    await reader.read();
    await reader.cancel();
  } else console.log(answer.status, await answer.text());
}
END
'${process.execPath}' ask.mjs`;

const isBeside = ({ messages }: Call): boolean => messages.length === 1 && messages[0]?.content === 'beside';
/** A dollar at the prices of Sonnet 5.5. */
const dollar = { input: 400_000, output: 20_000 };

async function runWith(command: string, costUsd: number) {
  const own = conversation([turn([uses('bash', { command })]), turn([says('all done')])]);
  api = await new MessagesApi(
    (call) => (isBeside(call) ? turn([says('a long answer '.repeat(50))], { usage: dollar }) : own(call)),
    [apiKey],
  ).start();
  const executor = new AnthropicExecutor({ apiKey, baseUrl: api.url, backoffMs: [100] });
  return bench.run(executor, { limits: { costUsd } });
}
const besides = (): number => api.calls.filter(isBeside).length;
const costs = () => bench.events.flatMap((event) => (event.type === 'usage' ? [event.costUsd ?? 0] : []));

test.each([
  ['streamed', { stream: true }, false],
  ['in one piece', { stream: false }, false],
  ['broken off once it has begun', { stream: true }, true],
])('what an agent asks beside its loop is counted (%s)', async (_, body, isCutShort) => {
  expect(await runWith(askBeside(body, 3, isCutShort), 10)).toMatchObject({ type: 'finished' });
  expect(besides()).toBe(3);
  expect(costs().at(-1)).toBeGreaterThan(3);
  expect(costs().at(-1)).toBeLessThan(3.1);
  expect(bench.last('usage')?.inputTokens).toBeGreaterThan(1_200_000);
  expect(costs()).toEqual(costs().toSorted((a, b) => a - b));
});

test('and ends with the budget, and so does the run', async () => {
  const outcome = await runWith(askBeside({ stream: true }, 10), 2);
  expect(outcome).toEqual({ type: 'failed', reason: 'the budget of $2.00 is spent ($2.00)' });
  expect(besides()).toBe(2);
  // Not even the agent's own loop is let through.
  expect(api.calls.filter((call) => !isBeside(call))).toHaveLength(1);
});

test('the agent is told why it is refused, as the API would say it', async () => {
  await runWith(`${askBeside({ stream: true }, 2)} > told.txt`, 1);
  expect(besides()).toBe(1);
  const [status, json] = /^(\d+) (.*)$/.exec(bench.read('told.txt')?.trim().split('\n').at(-1) ?? '')?.slice(1) ?? [];
  expect(status).toBe('400');
  const error = { type: 'invalid_request_error', message: 'the budget of $1.00 is spent ($1.00)' };
  expect(JSON.parse(json ?? '')).toEqual({ type: 'error', error });
});
