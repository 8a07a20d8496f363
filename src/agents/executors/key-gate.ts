import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { EnvHttpProxyAgent } from 'undici';
import { type GateWatch, makeCall, refuse } from './api-call.ts';
import { estimateOf } from './estimate.ts';
import { hasPass, type LoginKind, requestHeaders } from './gate-headers.ts';
import type { Meter } from './meter.ts';
import { RequestBodies } from './request-bodies.ts';

export interface KeyGate {
  /** In place of the API's own. */
  readonly url: string;
  /** In place of the key; worth nothing once the gate is closed. */
  readonly pass: string;
  /** Lets no call through any more, and has counted each when it resolves: a second later, where some are under way. */
  close(): Promise<void>;
}

export interface GateLogin {
  readonly kind: LoginKind;
  /** Or where it comes from, asked at each call: a login is renewed now and then. A rejection says the mend. */
  readonly key: string | (() => Promise<string>);
}

export interface GateParts {
  readonly login: GateLogin;
  readonly baseUrl: string;
  readonly meter: Meter;
  readonly watch?: GateWatch;
  /** How long a call may say nothing that nobody waits for any more, in milliseconds. */
  readonly silenceMs?: number;
  /** How long the calls under way are heard when the run is over, in milliseconds. */
  readonly closeMs?: number;
}

/** What the API is asked for; nothing else is let through. To count tokens is free. */
const open = /^\/v1\/messages(\/count_tokens)?(?:\?beta=true)?$/;

/** Far more than an agent and its subagents make; each call under way may go beyond the budget. */
const mostAtOnce = 20;
/** More at once are let through while the budget is enough for all that they may cost. */
const fewAtOnce = 4;

const usualCloseMs = 1_000;
const usualSilenceMs = 60_000;

/**
 * The API's key stays in the peer: an agent has a shell, and whatever is in the memory of its own program it can read. So it
 * calls this gate, on 127.0.0.1 and with a pass of its own, and the gate calls the API with the key, and counts what that
 * costs. It is closed with the attempt, and with the peer, however that ends: nobody spends after it.
 */
export async function openKeyGate(parts: GateParts): Promise<KeyGate> {
  const gate = new Gate(parts);
  const server = createServer((request, response) => {
    gate.answer(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, gate.close()]);
  };
  return { url: `http://127.0.0.1:${port}`, pass: gate.pass, close };
}

class Gate {
  readonly pass = randomBytes(32).toString('hex');
  readonly #parts: GateParts;
  // The peer's own way out, which may be a proxy. An answer may take as long as the run does.
  readonly #dispatcher = new EnvHttpProxyAgent({ bodyTimeout: 0, headersTimeout: 0 });
  readonly #bodies = new RequestBodies();
  readonly #underWay = new Set<Promise<void>>();
  readonly #end = new AbortController();
  #atOnce = 0;
  #isClosed = false;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!hasPass(request.headers, this.pass)) return refuse(response, 401, 'authentication_error', 'not the pass');
    const [way, free] = (request.method === 'POST' && open.exec(request.url ?? '')) || [];
    if (way === undefined) return refuse(response, 404, 'not_found_error', 'the gate leads to the messages alone');
    if (this.#atOnce >= mostAtOnce) return refuse(response, 429, 'rate_limit_error', 'too many calls at once');
    this.#atOnce += 1;
    try {
      const body = await this.#bodies.take(request);
      await this.#letThrough(request, response, { body, way, isFree: free !== undefined }).finally(() =>
        this.#bodies.release(body),
      );
    } finally {
      this.#atOnce -= 1;
    }
  }

  async #letThrough(request: IncomingMessage, response: ServerResponse, { body, way, isFree }: Asked): Promise<void> {
    const { login, baseUrl, meter, watch = () => {}, silenceMs = usualSilenceMs } = this.#parts;
    const key = typeof login.key === 'string' ? login.key : await login.key().catch((error: unknown) => error);
    if (this.#isClosed) return void response.destroy();
    if (typeof key !== 'string') {
      watch({ status: 401, headers: {}, text: '' });
      return refuse(response, 401, 'authentication_error', messageOf(key));
    }
    const spent = isFree ? null : meter.refuse();
    if (spent !== null) return refuse(response, 400, 'invalid_request_error', spent);
    if (!isFree && this.#underWay.size >= fewAtOnce && meter.isPledged) {
      return refuse(response, 429, 'rate_limit_error', 'too many calls at once for what is left of the budget');
    }
    const estimate = estimateOf(body);
    const call = makeCall(request, response, {
      url: `${baseUrl.replace(/\/+$/, '')}${way}`,
      headers: requestHeaders(request.headers, login.kind, key),
      body,
      dispatcher: this.#dispatcher,
      watch,
      cost: isFree ? null : { metered: meter.begin(estimate.most.costUsd), estimate },
      silenceMs,
      signal: this.#end.signal,
    });
    this.#underWay.add(call);
    await call.finally(() => this.#underWay.delete(call));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { closeMs = usualCloseMs } = this.#parts;
    const heard = new AbortController();
    await Promise.race([
      Promise.allSettled(this.#underWay),
      delay(closeMs, undefined, { signal: heard.signal }).catch(() => {}),
    ]);
    heard.abort();
    this.#end.abort();
    await Promise.allSettled(this.#underWay);
    await this.#dispatcher.destroy();
  }
}

interface Asked {
  readonly body: Buffer;
  /** The path, with its query. */
  readonly way: string;
  readonly isFree: boolean;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
