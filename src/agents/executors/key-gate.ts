import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EnvHttpProxyAgent, request as send } from 'undici';
import { type Listener, usageListener } from './answer-usage.ts';
import type { Meter } from './meter.ts';
import type { Usage } from './usage.ts';

export interface KeyGate {
  /** In place of the API's own. */
  readonly url: string;
  /** In place of the key; worth nothing once the gate is closed. */
  readonly pass: string;
  close(): Promise<void>;
}

/** The key, or where it comes from, asked at each call: a login is renewed now and then. A rejection says the mend. */
export type KeySource = string | (() => Promise<string>);

export interface GateAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The beginning of the body, of status 400 alone: what that is about is told in words only. */
  readonly text: string;
}

/** Is told how the API has answered, before the agent is; also of a login that there is none of. */
export type GateWatch = (answer: GateAnswer) => void;

const maxText = 64 * 1024;

/** What the API is asked for; nothing else is let through. To count tokens is free. */
const open = /^\/v1\/messages(\/count_tokens)?(?:\?|$)/;

/** Far more than an agent and its subagents make; each call under way may go beyond the budget. */
const mostAtOnce = 20;

export interface GateParts {
  readonly key: KeySource;
  readonly baseUrl: string;
  readonly meter: Meter;
  readonly watch?: GateWatch;
}

/**
 * The API's key stays in the peer: an agent has a shell, and whatever is in the memory of its own program it can read. So it
 * calls this gate, on 127.0.0.1 and with a pass of its own, and the gate calls the API with the key, and counts what that
 * costs. It is closed with the attempt, and with the peer, however that ends: nobody spends after it.
 */
export async function openKeyGate({ key, baseUrl, meter, watch = () => {} }: GateParts): Promise<KeyGate> {
  const pass = randomBytes(32).toString('hex');
  // The peer's own way out, which may be a proxy. An answer may take as long as the run does.
  const dispatcher = new EnvHttpProxyAgent({ bodyTimeout: 0, headersTimeout: 0 });
  const underWay = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const loginWith = placeOf(request.headers, pass);
    if (loginWith === null) return refuse(response, 401, 'authentication_error', 'not the pass');
    const [way, free] = (request.method === 'POST' && open.exec(request.url ?? '')) || [];
    if (way === undefined) return refuse(response, 404, 'not_found_error', 'the gate leads to the messages alone');
    const spent = free === undefined ? meter.refuse() : null;
    if (spent !== null) return refuse(response, 400, 'invalid_request_error', spent);
    const apiKey = typeof key === 'string' ? key : await key().catch((error: unknown) => error);
    if (typeof apiKey !== 'string') {
      watch({ status: 401, headers: {}, text: '' });
      return refuse(response, 401, 'authentication_error', messageOf(apiKey));
    }
    if (underWay.size >= mostAtOnce) return refuse(response, 429, 'rate_limit_error', 'too many calls at once');
    const url = `${baseUrl.replace(/\/+$/, '')}${request.url}`;
    const tell = free === undefined ? meter.begin() : null;
    const call = passOn(request, response, { login: loginWith(apiKey), url, dispatcher, watch, tell });
    underWay.add(call);
    await call.finally(() => underWay.delete(call));
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, dispatcher.destroy()]);
    await Promise.allSettled(underWay);
  };
  return { url: `http://127.0.0.1:${port}`, pass, close };
}

interface Way {
  readonly login: Readonly<Record<string, string>>;
  readonly url: string;
  readonly dispatcher: EnvHttpProxyAgent;
  readonly watch: GateWatch;
  /** Takes what the call has used; null for one that costs nothing. */
  readonly tell: ((used: Usage) => void) | null;
}

async function passOn(request: IncomingMessage, response: ServerResponse, way: Way): Promise<void> {
  // What the API says is looked at here.
  const headers = { ...endToEnd(request.headers), ...way.login, 'accept-encoding': 'identity' };
  const { url, dispatcher } = way;
  const answered = await send(url, { method: 'POST', headers, body: request, dispatcher }).catch(
    (error: unknown) => error,
  );
  if (answered instanceof Error) {
    return refuse(response, 502, 'api_error', `${new URL(url).host} cannot be reached: ${causeOf(answered)}`);
  }
  const { statusCode, headers: given, body } = answered as Awaited<ReturnType<typeof send>>;
  const listener = listenerFor(statusCode, given, way);
  response.writeHead(statusCode, endToEnd(given));
  response.flushHeaders();
  await handOver(body, response, listener);
}

/**
 * As it comes, and heard before it is passed on: when an agent knows that a call is over, that is counted. Whoever asked may
 * go away; the answer is heard to its end all the same, where it says what it has cost.
 */
async function handOver(body: AsyncIterable<Buffer>, response: ServerResponse, listener: Listener | null) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // An answer that breaks off throws, and breaks off here too.
  for await (const chunk of body) {
    listener?.hear(chunk);
    if (response.destroyed || response.write(chunk)) continue;
    await once(response, 'drain', { signal: gone.signal }).catch(() => {});
  }
  listener?.end();
  response.end();
}

function listenerFor(status: number, headers: GateAnswer['headers'], { watch, tell }: Way): Listener | null {
  if (status === 400) return textListener((text) => watch({ status, headers, text }));
  watch({ status, headers, text: '' });
  return tell === null ? null : usageListener(String(headers['content-type']), tell);
}

function textListener(tell: (text: string) => void): Listener {
  let text = '';
  return {
    hear: (chunk) => {
      if (text.length < maxText) text += chunk.toString('utf8');
      tell(text);
    },
    end: () => {},
  };
}

/** Of one connection only, or of the login. `expect` is node's to answer. */
const notPassedOn = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'expect', 'host', 'x-api-key', 'authorization'],
]);

const endToEnd = <Value>(headers: Readonly<Record<string, Value>>): Record<string, NonNullable<Value>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || value === null || notPassedOn.has(name) ? [] : [[name, value as NonNullable<Value>]],
    ),
  );

type Login = Way['login'];

/** Puts the key in the place where the pass was; null where that was not given. */
function placeOf(headers: IncomingHttpHeaders, pass: string): ((apiKey: string) => Login) | null {
  if (isSame(headers.authorization, `Bearer ${pass}`)) return (apiKey) => ({ authorization: `Bearer ${apiKey}` });
  return isSame(headers['x-api-key'], pass) ? (apiKey) => ({ 'x-api-key': apiKey }) : null;
}

function isSame(given: string | string[] | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(String(given)), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `fetch failed` says nothing; what is below it does. */
const causeOf = (error: Error): string => {
  const deepest = error instanceof AggregateError ? error.errors[0] : (error.cause ?? error);
  return deepest instanceof Error ? deepest.message || String((deepest as { code?: unknown }).code) : String(deepest);
};
