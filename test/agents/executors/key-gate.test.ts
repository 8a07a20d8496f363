import { afterEach, expect, test } from 'vitest';
import { type GateLogin, type KeyGate, openKeyGate } from '../../../src/agents/executors/key-gate.ts';
import { Meter } from '../../../src/agents/executors/meter.ts';
import {
  conversation,
  cutStream,
  first,
  noCredit,
  rateLimited,
  says,
  turn,
} from '../../support/messages-api/script.ts';
import { MessagesApi } from '../../support/messages-api/server.ts';

const key = 'sk-ant-secret';
const login = { kind: 'api-key', key } as const;
const meter = new Meter(null, () => {});
let api: MessagesApi;
let gate: KeyGate;
afterEach(async () => {
  await gate.close();
  await api.close();
});

async function open(
  script = conversation([turn([says('hello')])]),
  login: GateLogin = { kind: 'api-key', key },
): Promise<void> {
  api = await new MessagesApi(script, [key]).start();
  gate = await openKeyGate({ login, baseUrl: `${api.url}/`, meter });
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

const passIn = {
  authorization: (pass: string) => ({ authorization: `Bearer ${pass}` }),
  'x-api-key': (pass: string) => ({ 'x-api-key': pass }),
};
const planBeta = 'oauth-2025-04-20';

test.each(['authorization', 'x-api-key'] as const)('takes the pass in %s, and calls with the key', async (place) => {
  await open();
  const response = await post({ ...passIn[place](gate.pass), 'anthropic-version': '2023-06-01' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/event-stream/);
  expect(await response.text()).toContain('message_stop');
  expect(api.requests).toMatchObject([
    { key, path: '/v1/messages', headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' } },
  ]);
  expect(api.requests[0]?.body).toEqual(JSON.parse(body));
});

test.each([
  ['api-key', { 'x-api-key': key, authorization: undefined, 'anthropic-beta': 'one' }],
  ['token', { 'x-api-key': undefined, authorization: `Bearer ${key}`, 'anthropic-beta': 'one' }],
  ['plan-token', { 'x-api-key': undefined, authorization: `Bearer ${key}`, 'anthropic-beta': `one,${planBeta}` }],
] as const)('logs in by %s as the API takes it, whatever the agent has sent', async (kind, expected) => {
  await open(undefined, { kind, key });
  const odd = {
    origin: 'https://evil.example',
    cookie: 'a=b',
    'x-forwarded-for': '8.8.8.8',
    'content-encoding': 'gzip',
  };
  for (const login of Object.values(passIn)) {
    await (await post({ ...login(gate.pass), ...odd, 'anthropic-beta': 'one' })).text();
  }
  expect(api.requests).toHaveLength(2);
  for (const { headers } of api.requests) {
    for (const [name, value] of Object.entries(expected)) expect(headers[name]).toBe(value);
    for (const name of Object.keys(odd)) expect(headers).not.toHaveProperty(name);
  }
});

test.each([{}, { 'x-api-key': 'guess' }, { authorization: `Bearer ${key}` }])('does not open to %j', async (login) => {
  await open();
  expect((await post(login)).status).toBe(401);
  expect(api.requests).toEqual([]);
});

test.each([
  '/v1/organizations/keys',
  '/v1/messages?beta=true&x=../../etc/passwd',
  '/v1/messages/batches',
  '/v1/messages/../models',
  '/',
])('does not lead to %s', async (path) => {
  await open();
  expect((await post({ 'x-api-key': gate.pass }, path)).status).toBe(404);
  expect(api.requests).toEqual([]);
});

test('breaks off what breaks off behind it', async () => {
  await open(first([cutStream()], conversation([])));
  const response = await post({ 'x-api-key': gate.pass });
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test('says what cannot be reached', async () => {
  await open();
  await gate.close();
  gate = await openKeyGate({ login, baseUrl: 'http://127.0.0.1:9', meter });
  const response = await post({ 'x-api-key': gate.pass });
  expect(response.status).toBe(502);
  expect(await response.text()).toContain('127.0.0.1:9 cannot be reached');
});

test('is closed to all once it is closed', async () => {
  await open();
  await gate.close();
  await expect(post({ 'x-api-key': gate.pass })).rejects.toThrow();
  gate = await openKeyGate({ login, baseUrl: api.url, meter });
});

test('asks for a key that changes at each call, and says why there is none', async () => {
  const keys = ['sk-ant-one', 'sk-ant-two'];
  const statuses: number[] = [];
  api = await new MessagesApi(conversation([turn([says('hello')])])).start();
  gate = await openKeyGate({
    login: { kind: 'plan-token', key: async () => keys.shift() ?? Promise.reject(new Error('log in again')) },
    baseUrl: api.url,
    meter,
    watch: ({ status }) => statuses.push(status),
  });
  for (let i = 0; i < 2; i++) await (await post({ authorization: `Bearer ${gate.pass}` })).text();
  expect(api.requests.map((request) => request.key)).toEqual(['sk-ant-one', 'sk-ant-two']);
  const refused = await post({ authorization: `Bearer ${gate.pass}` });
  expect(refused.status).toBe(401);
  expect(await refused.text()).toContain('log in again');
  expect(statuses).toEqual([200, 200, 401]);
});

test('tells what the API has answered', async () => {
  const seen: unknown[] = [];
  api = await new MessagesApi(first([rateLimited(77), noCredit()], conversation([turn([says('hello')])])), [
    key,
  ]).start();
  gate = await openKeyGate({
    login,
    baseUrl: api.url,
    meter,
    watch: ({ status, headers, text }) => seen.push([status, headers['retry-after'], text.includes('credit balance')]),
  });
  for (let i = 0; i < 3; i++) await (await post({ 'x-api-key': gate.pass })).text();
  expect(seen).toEqual([
    [429, '77', false],
    [400, undefined, true],
    [200, undefined, false],
  ]);
});
