import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type LocalServer, listenLocally } from '../git-server.ts';
import { type Call, callOf, type RecordedRequest, requestSchema } from './call.ts';
import { eventsOf, messageOf, sse } from './events.ts';
import { objectionTo } from './rules.ts';
import { badKey, type Refusal, type Reply, refusal, type Script, type Turn } from './script.ts';

/**
 * A Messages API over real http that plays a script: `POST /v1/messages`, as a stream or whole, and
 * `/v1/messages/count_tokens`. It refuses what the API itself refuses: a history that does not fit together, too many
 * blocks to cache, a wrong key.
 */
export class MessagesApi implements AsyncDisposable {
  /** Every request, refused ones and those for unknown paths as well. */
  readonly requests: RecordedRequest[] = [];
  /** The valid calls of the model, in the order they came. */
  readonly calls: Call[] = [];
  /** What was answered 400 by the API's own rules: a client's mistake, where a test did not mean it. */
  readonly objections: string[] = [];
  /** May be exchanged at any time. */
  script: Script;
  readonly #keys: ReadonlySet<string> | null;
  #server: LocalServer | null = null;

  /** `keys`: those that are let in; every one where left out. */
  constructor(script: Script, keys?: readonly string[]) {
    this.script = script;
    this.#keys = keys === undefined ? null : new Set(keys);
  }

  /** ANTHROPIC_BASE_URL. */
  get url(): string {
    if (this.#server === null) throw new Error('the scripted API was not started');
    return this.#server.origin;
  }

  async start(): Promise<this> {
    this.#server = await listenLocally((request, response) => this.#answer(request, response));
    return this;
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recorded = await record(request);
    this.requests.push(recorded);
    const route = `${recorded.method} ${recorded.path}`;
    if (route !== 'POST /v1/messages' && route !== 'POST /v1/messages/count_tokens') {
      return refuse(response, refusal(404, 'not_found_error', 'Not found'));
    }
    if (recorded.key === null || this.#keys?.has(recorded.key) === false) return refuse(response, badKey());
    if (route.endsWith('count_tokens')) {
      return sendJson(response, 200, { input_tokens: Math.ceil(JSON.stringify(recorded.body).length / 4) });
    }
    const call = this.#callOf(recorded);
    if (typeof call === 'string') {
      this.objections.push(call);
      return refuse(response, refusal(400, 'invalid_request_error', call));
    }
    this.calls.push(call);
    await send(response, call, await this.script(call));
  }

  /** The call, or what is wrong with it. */
  #callOf(recorded: RecordedRequest): Call | string {
    const parsed = requestSchema.safeParse(recorded.body);
    if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join();
    const call = callOf(recorded, parsed.data);
    return objectionTo(call) ?? call;
  }
}

async function record(request: IncomingMessage): Promise<RecordedRequest> {
  const raw = await text(request);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  return {
    method: request.method ?? '',
    path: (request.url ?? '').split('?')[0] ?? '',
    headers,
    body: parsedOr(raw),
    key: headers['x-api-key'] ?? bearer ?? null,
  };
}

function parsedOr(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

async function send(response: ServerResponse, call: Call, reply: Reply): Promise<void> {
  switch (reply.type) {
    case 'refusal':
      return refuse(response, reply);
    case 'turn':
      if (!call.stream) return sendJson(response, 200, messageOf(reply, call.model), reply.headers);
      await sendEvents(response, reply, eventTexts(reply, call));
      return void response.end();
    case 'broken': {
      const all = eventTexts(reply.turn, call);
      const whole = all.slice(0, reply.afterEvents);
      if (reply.ends === 'silence') {
        await sendEvents(response, reply.turn, whole);
        if (!response.destroyed) await once(response, 'close');
        return;
      }
      const half = all[reply.afterEvents]?.slice(0, 30) ?? '';
      await sendEvents(response, reply.turn, [...whole, half]);
      response.destroy();
    }
  }
}

const eventTexts = (turn: Turn, call: Call): readonly string[] => eventsOf(messageOf(turn, call.model)).map(sse);

async function sendEvents(response: ServerResponse, turn: Turn, texts: readonly string[]): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    ...commonHeaders,
    ...turn.headers,
  });
  response.flushHeaders();
  for (const one of texts) {
    // Each on its way before the next: a connection that is then destroyed has delivered them.
    await new Promise<void>((resolve) => response.write(one, () => resolve()));
  }
}

const commonHeaders = { 'request-id': 'req_scripted' };

const refuse = (response: ServerResponse, { status, body, headers }: Refusal): void =>
  sendJson(response, status, body, headers);

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Turn['headers'] = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...commonHeaders, ...headers });
  response.end(JSON.stringify(body));
}
