import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { afterEach, expect, test } from 'vitest';
import type { ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { type KeyGate, openKeyGate } from '../../../src/agents/executors/key-gate.ts';
import { Meter } from '../../../src/agents/executors/meter.ts';
import { type LocalServer, listenLocally } from '../../support/git-server.ts';
import { eventsOf, messageOf, sse } from '../../support/messages-api/events.ts';
import { cutStream, first, overloaded, type Script, says, turn } from '../../support/messages-api/script.ts';
import { MessagesApi } from '../../support/messages-api/server.ts';
import { waitFor } from '../../support/wait.ts';

const key = 'sk-ant-secret';
const login = { kind: 'api-key', key } as const;
/** A dollar at the prices of Sonnet 5.5. */
const dollar = turn([says('That was dear.')], { usage: { input: 400_000, output: 20_000 } });
const always: Script = () => dollar;
const request = { model: 'claude-sonnet-5-5', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] };

let api: MessagesApi | LocalServer;
let gate: KeyGate;
let events: ExecutorEvent[] = [];
afterEach(async () => {
  await gate.close();
  await api.close();
});

async function open(script: Script, limitUsd: number | null = 100): Promise<MessagesApi> {
  const started = await new MessagesApi(script, [key]).start();
  api = started;
  await openTo(started.url, limitUsd);
  return started;
}
async function openTo(baseUrl: string, limitUsd: number | null = 100): Promise<void> {
  events = [];
  gate = await openKeyGate({ login, baseUrl, meter: new Meter(limitUsd, (event) => events.push(event)) });
}
/** A gate to an API that answers each call so. */
async function openToRaw(contentType: string, answer: (response: ServerResponse) => Promise<void>): Promise<void> {
  api = await listenLocally(async (_, response) => {
    response.writeHead(200, { 'content-type': contentType });
    await answer(response);
  });
  await openTo(api.origin);
}
const ask = (more: Readonly<Record<string, unknown>> = {}, path = '/v1/messages', init: RequestInit = {}) =>
  fetch(`${gate.url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': gate.pass, 'content-type': 'application/json', 'accept-encoding': 'gzip' },
    body: JSON.stringify({ ...request, ...more }),
    ...init,
  });
const used = () => {
  const last = events.at(-1);
  return last?.type === 'usage' ? last : { inputTokens: 0, outputTokens: 0, costUsd: 0 };
};

test.each([true, false])('counts a call, and has done so when it is over (stream: %s)', async (stream) => {
  const { requests } = await open(always);
  await (await ask({ stream })).text();
  expect(used()).toMatchObject({ inputTokens: 400_000, outputTokens: 20_000 });
  expect(used().costUsd).toBeCloseTo(1, 10);
  expect(requests[0]?.headers['accept-encoding']).toBe('identity');
});

test('counts calls at once', async () => {
  await open(always);
  await Promise.all(Array.from({ length: 8 }, async (_, i) => (await ask({ stream: i % 2 === 0 })).text()));
  expect(used().costUsd).toBeCloseTo(8, 10);
});

test('counts what a call has told before it broke off', async () => {
  await open(first([cutStream(dollar)], always));
  const tools = [{ name: 'bash' }];
  await expect((await ask({ stream: true, tools })).text()).rejects.toThrow();
  expect(used()).toMatchObject({ inputTokens: 400_000, outputTokens: 1 });
});

test('counts in full what is broken off by who asked', async () => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const [start = '', ...rest] = eventsOf(messageOf(dollar, request.model)).map(sse);
  await openToRaw('text/event-stream', async (response) => {
    response.write(start);
    await goOn;
    response.end(rest.join(''));
  });
  const gone = new AbortController();
  const reader = (await ask({ stream: true }, '/v1/messages', { signal: gone.signal })).body?.getReader();
  await reader?.read();
  gone.abort();
  await reader?.read().catch(() => {});
  resolve();
  await waitFor('the whole of it', () => used().outputTokens === 20_000, 5_000, used);
});

test('counts neither tokens that are counted nor calls that are refused', async () => {
  const world = await open(() => overloaded(), 1);
  expect(await (await ask({}, '/v1/messages/count_tokens')).json()).toMatchObject({ input_tokens: expect.any(Number) });
  expect((await ask()).status).toBe(529);
  expect(events).toEqual([]);
  expect(world.requests).toHaveLength(2);
});

test('once the limit is reached no call is let through, but tokens are counted still', async () => {
  const world = await open(always, 2);
  for (const status of [200, 200, 400]) {
    const answer = await ask({ stream: true });
    expect(answer.status).toBe(status);
    const text = await answer.text();
    if (status === 400) {
      const error = { type: 'invalid_request_error', message: 'the budget of $2.00 is spent ($2.00)' };
      expect(JSON.parse(text)).toEqual({ type: 'error', error });
    }
  }
  expect(world.calls).toHaveLength(2);
  expect((await ask({}, '/v1/messages/count_tokens')).status).toBe(200);
});

test('so many calls at once that a budget would mean nothing are not let through', async () => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const world = await open(async () => {
    await goOn;
    return dollar;
  }, 1);
  const statuses: number[] = [];
  const answers = Array.from({ length: 25 }, async () => statuses.push((await ask({ stream: true })).status));
  await waitFor(
    'those that are let through',
    () => world.calls.length === 20,
    5_000,
    () => world.calls.length,
  );
  await waitFor(
    'those that are not',
    () => statuses.length === 5,
    5_000,
    () => statuses,
  );
  expect(new Set(statuses)).toEqual(new Set([429]));
  resolve();
  await Promise.all(answers);
  expect(statuses.filter((status) => status === 200)).toHaveLength(20);
});

test.each([
  [
    'of a stream that is none',
    'text/event-stream',
    Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x0d, 0x64, 0x61, 0x74, 0x61, 0x3a]),
  ],
  ['of JSON that is none', 'application/json', Buffer.from('{"usage":{"input_tokens":')],
  ['of an event without an end', 'text/event-stream', Buffer.from(`data: ${'x'.repeat(3 * 2 ** 20)}`)],
  ['of no kind that is known', 'application/x-unknown', Buffer.from('event: message_start\ndata: {}\n\n')],
])('every byte is passed on %s', async (_, contentType, bytes) => {
  await openToRaw(contentType, async (response) => void response.end(bytes));
  const passed = Buffer.from(await (await ask({ stream: true })).arrayBuffer());
  expect(passed.equals(bytes)).toBe(true);
  // It has told nothing, so it counts by its request: 102 bytes, and a token at most.
  expect(used()).toMatchObject({ inputTokens: 34, outputTokens: 1 });
});

test('each piece is passed on as it comes', async () => {
  const answering = Promise.withResolvers<ServerResponse>();
  await openToRaw('text/event-stream', async (response) => {
    response.flushHeaders();
    answering.resolve(response);
    await once(response, 'close');
  });
  const reader = (await ask({ stream: true })).body?.getReader();
  const response = await answering.promise;
  for (const piece of ['event: mess', 'age_start\nda', 'ta: {"a":', '1}\n', '\n']) {
    response.write(piece);
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(piece);
  }
});

test('who does not read is waited for, and what is not read is not kept', async () => {
  const piece = Buffer.from(`: ${'x'.repeat(64 * 1024)}\n\n`);
  const pieces = 1_000;
  let sent = 0;
  function* all(): Generator<Buffer> {
    for (; sent < pieces; sent += 1) yield piece;
  }
  await openToRaw('text/event-stream', async (response) => pipeline(all, response));
  const reader = (await ask({ stream: true })).body?.getReader();
  let length = (await reader?.read())?.value?.length ?? 0;
  const seen: number[] = [];
  await waitFor(
    'a standstill',
    () => seen.push(sent) > 20 && seen.at(-20) === sent,
    5_000,
    () => sent,
  );
  expect(sent).toBeLessThan(pieces);
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) length += next.value.length;
  expect(length).toBe(pieces * piece.length);
});
