import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { type KeyGate, openKeyGate } from '../../../src/agents/executors/key-gate.ts';
import { Meter } from '../../../src/agents/executors/meter.ts';
import { type LocalServer, listenLocally } from '../../support/git-server.ts';
import { eventsOf, messageOf, sse } from '../../support/messages-api/events.ts';
import { says, turn } from '../../support/messages-api/script.ts';
import { waitFor } from '../../support/wait.ts';

const model = 'claude-opus-5';
const request = { model, max_tokens: 10_000, messages: [{ role: 'user', content: 'x'.repeat(30_000) }] };
/** By the request: ten thousand tokens each way, and a little. */
const mostUsd = 0.3;
const answer = messageOf(turn([says('done')], { usage: { input: 400, output: 20 } }), model);
const events = eventsOf(answer).map(sse);

const servers: LocalServer[] = [];
let gate: KeyGate;
let told: ExecutorEvent[] = [];
let calls: ServerResponse[] = [];
afterEach(() => Promise.all(servers.splice(0).map((one) => one.close())));

/** A gate to an API that answers when the test does. */
async function open({ limitUsd = 100, silenceMs = 60_000, closeMs = 1_000 } = {}): Promise<void> {
  [told, calls] = [[], []];
  const api = await listenLocally(async (request, response) => {
    request.resume();
    await once(request, 'end');
    calls.push(response);
    await once(response, 'close');
  });
  servers.push(api);
  const login = { kind: 'api-key', key: 'a key' } as const;
  const meter = new Meter(limitUsd, (event) => told.push(event));
  gate = await openKeyGate({ login, baseUrl: api.origin, meter, silenceMs, closeMs });
}
const ask = (more: object = {}, signal?: AbortSignal) =>
  fetch(`${gate.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': gate.pass },
    body: JSON.stringify({ ...request, ...more }),
    ...(signal === undefined ? {} : { signal }),
  });
const used = () => {
  const last = told.at(-1);
  return last?.type === 'usage' ? last : { inputTokens: 0, outputTokens: 0, costUsd: 0 };
};
const costUsd = (): number => used().costUsd ?? Number.NaN;
const called = (times: number) =>
  waitFor(
    'the calls',
    () => calls.length >= times,
    5_000,
    () => calls.length,
  );
const json = { 'content-type': 'application/json' };
const stream = { 'content-type': 'text/event-stream' };

test('calls under way at the end count by what they may cost, and no other is let through', async () => {
  await open();
  const answers = Array.from({ length: 4 }, () => ask().catch(() => null));
  await called(4);
  const before = performance.now();
  await gate.close();
  expect(performance.now() - before).toBeLessThan(3_000);
  await Promise.all(answers);
  expect(costUsd()).toBeGreaterThan(4 * mostUsd);
  expect(costUsd()).toBeLessThan(4 * mostUsd * 1.1);
  await expect(ask()).rejects.toThrow();
  expect(calls).toHaveLength(4);
});

test('who begins calls and ends, run after run, has a budget all the same', async () => {
  let spentUsd = 0;
  let billed = 0;
  for (const letThrough of [4, 0, 0]) {
    await open({ limitUsd: 1 - spentUsd });
    let refused = 0;
    const answers = Array.from({ length: 20 }, async () => {
      await ask().then(
        () => (refused += 1),
        () => {},
      );
    });
    await waitFor(
      'those that are refused',
      () => refused === 20 - letThrough,
      5_000,
      () => refused,
    );
    await called(letThrough);
    await gate.close();
    await Promise.all(answers);
    spentUsd += costUsd();
    billed += calls.length;
  }
  expect(billed).toBe(4);
  expect(spentUsd).toBeGreaterThan(1);
});

test('a call that tells what it has cost right after the end counts by that', async () => {
  await open({ closeMs: 600_000 });
  const asked = ask().catch(() => null);
  await called(1);
  const closed = gate.close();
  await asked;
  calls[0]?.writeHead(200, json).end(JSON.stringify(answer));
  await closed;
  expect(used()).toMatchObject({ inputTokens: 400, outputTokens: 20 });
});

test('a stream that has begun counts by what it has told, and by what can have been written since', async () => {
  await open();
  const asked = ask({ stream: true });
  await called(1);
  calls[0]?.writeHead(200, stream).write(events[0]);
  await (await asked).body?.getReader().read();
  await gate.close();
  expect(used().inputTokens).toBe(400);
  expect(used().outputTokens).toBeGreaterThan(200);
  expect(used().outputTokens).toBeLessThan(request.max_tokens);
});

test('once nothing is under way it is closed at once', async () => {
  await open({ closeMs: 600_000 });
  const asked = ask();
  await called(1);
  calls[0]?.writeHead(200, json).end(JSON.stringify(answer));
  await (await asked).text();
  await gate.close();
});

test.each([
  ['is silent from its beginning', () => {}],
  ['has begun', (call: ServerResponse) => call.writeHead(200, stream).write(events[0])],
])('a call that %s and that nobody waits for is given up after a silence, and counts', async (_, begin) => {
  await open({ silenceMs: 100 });
  const gone = new AbortController();
  const asked = ask({ stream: true }, gone.signal);
  await called(1);
  const call = calls[0] as ServerResponse;
  begin(call);
  if (call.headersSent) await (await asked).body?.getReader().read();
  const isGivenUp = once(call, 'close');
  gone.abort();
  await asked.catch(() => {});
  await isGivenUp;
  await waitFor('its cost', () => used().inputTokens >= 400 && used().outputTokens > 20, 5_000, used);
  await gate.close();
});

test('a silence of a call that somebody waits for is no reason to give it up', async () => {
  await open({ silenceMs: 1 });
  const asked = ask();
  await called(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  calls[0]?.writeHead(200, json).end(JSON.stringify(answer));
  expect(await (await asked).json()).toEqual(answer);
  await gate.close();
});

test('more than a few at once are let through only while the budget is enough for all of them', async () => {
  await open({ limitUsd: 7 * mostUsd });
  const statuses: number[] = [];
  const answers = Array.from({ length: 12 }, async () => statuses.push((await ask()).status));
  await waitFor(
    'those that are not',
    () => statuses.length === 5,
    5_000,
    () => statuses,
  );
  expect(new Set(statuses)).toEqual(new Set([429]));
  await called(7);
  for (const call of calls) call.writeHead(200, json).end(JSON.stringify(answer));
  await Promise.all(answers);
  expect((await Promise.all([ask(), called(8).then(() => calls[7]?.writeHead(200, json).end())]))[0].status).toBe(200);
  await gate.close();
});

test.each([
  ['compressed', { ...json, 'content-encoding': 'gzip' }, Buffer.from(JSON.stringify(answer))],
  ['of a type that is not known', { 'content-type': 'application/x-unknown' }, Buffer.from(JSON.stringify(answer))],
  ['too long', json, Buffer.from(JSON.stringify({ ...answer, more: 'A'.repeat(17 * 2 ** 20) }))],
])('an answer that is %s counts by what its request may cost', async (_, headers, body) => {
  await open();
  const asked = ask();
  await called(1);
  calls[0]?.writeHead(200, headers).end(body);
  await (await asked).arrayBuffer().catch(() => {});
  expect(costUsd()).toBeGreaterThan(mostUsd);
  expect(costUsd()).toBeLessThan(mostUsd * 1.1);
  await gate.close();
});

test('calls behind one another on a connection that is closed are heard to their end', async () => {
  const long = `event: ping\ndata: ${'x'.repeat(100)}\n\n`.repeat(5_000);
  await open();
  const { port } = new URL(gate.url);
  const socket = connect(Number(port), '127.0.0.1');
  const body = JSON.stringify({ ...request, stream: true });
  const head = `POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: ${gate.pass}\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.write((head + body).repeat(3));
  await called(3);
  const [, ...others] = calls;
  for (const call of others) call.writeHead(200, stream).write(events[0] + long);
  await waitFor('their beginning', () => used().inputTokens === 800, 5_000, used);
  socket.destroy();
  for (const call of others) call.end(events.slice(1).join(''));
  await waitFor('their end', () => used().outputTokens === 40, 5_000, used);
  await gate.close();
});
