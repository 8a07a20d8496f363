import { afterEach, expect, test } from 'vitest';
import { type KeyGate, openKeyGate } from '../../../src/agents/executors/key-gate.ts';
import { conversation, cutStream, first, says, turn } from '../../support/messages-api/script.ts';
import { MessagesApi } from '../../support/messages-api/server.ts';

const key = 'sk-ant-secret';
let api: MessagesApi;
let gate: KeyGate;
afterEach(async () => {
  await gate.close();
  await api.close();
});

async function open(script = conversation([turn([says('hello')])])): Promise<void> {
  api = await new MessagesApi(script, [key]).start();
  gate = await openKeyGate(key, `${api.url}/`);
}
const body = JSON.stringify({
  model: 'm',
  max_tokens: 1,
  stream: true,
  tools: [{ name: 'bash' }],
  messages: [{ role: 'user', content: 'hi' }],
});
const post = (headers: Record<string, string>, path = '/v1/messages?beta=true'): Promise<Response> =>
  fetch(`${gate.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

test.each([
  ['authorization', (pass: string) => `Bearer ${pass}`],
  ['x-api-key', (pass: string) => pass],
])('puts the key where the pass was, in %s', async (name, value) => {
  await open();
  const response = await post({ [name]: value(gate.pass), 'anthropic-version': '2023-06-01' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/event-stream/);
  expect(await response.text()).toContain('message_stop');
  expect(api.requests).toMatchObject([
    { key, path: '/v1/messages', headers: { [name]: value(key), 'anthropic-version': '2023-06-01' } },
  ]);
});

test.each([{}, { 'x-api-key': 'guess' }, { authorization: `Bearer ${key}` }])('does not open to %j', async (login) => {
  await open();
  expect((await post(login)).status).toBe(401);
  expect(api.requests).toEqual([]);
});

test.each(['/v1/organizations/keys', '/v1/messages/batches', '/v1/messages/../models', '/'])(
  'does not lead to %s',
  async (path) => {
    await open();
    expect((await post({ 'x-api-key': gate.pass }, path)).status).toBe(404);
    expect(api.requests).toEqual([]);
  },
);

test('breaks off what breaks off behind it', async () => {
  await open(first([cutStream()], conversation([])));
  const response = await post({ 'x-api-key': gate.pass });
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test('says what cannot be reached', async () => {
  await open();
  await gate.close();
  gate = await openKeyGate(key, 'http://127.0.0.1:9');
  const response = await post({ 'x-api-key': gate.pass });
  expect(response.status).toBe(502);
  expect(await response.text()).toContain('127.0.0.1:9 cannot be reached');
});

test('is closed to all once it is closed', async () => {
  await open();
  await gate.close();
  await expect(post({ 'x-api-key': gate.pass })).rejects.toThrow();
  gate = await openKeyGate(key, api.url);
});
