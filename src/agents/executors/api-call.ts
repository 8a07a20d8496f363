import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type EnvHttpProxyAgent, request as send } from 'undici';
import { type Listener, usageListener } from './answer-usage.ts';
import type { Estimate } from './estimate.ts';
import { answerHeaders } from './gate-headers.ts';
import type { MeteredCall } from './meter.ts';

export interface GateAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The beginning of the body, where what it means is told in words only. */
  readonly text: string;
}

/** Is told how the API has answered, before the agent is; also of a login that there is none of. */
export type GateWatch = (answer: GateAnswer) => void;

const inWords: ReadonlySet<number> = new Set([400, 403]);
/** In characters. */
const maxText = 64 * 1024;

export interface ApiCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly dispatcher: EnvHttpProxyAgent;
  readonly watch: GateWatch;
  /** Null for one that costs nothing. */
  readonly cost: { readonly metered: MeteredCall; readonly estimate: Estimate } | null;
  /** How long a call may say nothing that nobody waits for any more, in milliseconds. */
  readonly silenceMs: number;
  /** Aborted when nothing is heard any more. */
  readonly signal: AbortSignal;
}

/**
 * Makes the call and hands over its answer. Whoever asked may go away; the answer is heard to its end all the same, where
 * it says what it has cost. What is given up before that counts by what it may have cost.
 */
export async function makeCall(request: IncomingMessage, response: ServerResponse, call: ApiCall): Promise<void> {
  const { url, headers, body, dispatcher, cost } = call;
  const begunAt = performance.now();
  const written = (): number => cost?.estimate.writtenIn(performance.now() - begunAt) ?? 0;
  const caller = callerAt(request.socket, call.silenceMs);
  const signal = AbortSignal.any([call.signal, caller.silent]);
  try {
    const answered = await send(url, { method: 'POST', headers, body, dispatcher, signal }).catch(
      (error: unknown) => error,
    );
    if (answered instanceof Error) {
      if (signal.aborted) cost?.metered.tell(cost.estimate.usage(written()));
      return refuse(response, 502, 'api_error', `${new URL(url).host} cannot be reached: ${causeOf(answered)}`);
    }
    const { statusCode, headers: given, body: answer } = answered as Awaited<ReturnType<typeof send>>;
    const listener = listenerFor(statusCode, given, call);
    response.writeHead(statusCode, answerHeaders(given));
    response.flushHeaders();
    let isWhole = false;
    try {
      await handOver(answer, response, listener, caller);
      isWhole = true;
    } finally {
      listener?.end(isWhole ? (cost?.estimate.most.outputTokens ?? 0) : written());
    }
    response.end();
  } finally {
    caller.forget();
    cost?.metered.end();
  }
}

/** As it comes, and heard before it is passed on: when an agent knows that a call is over, that is counted. */
async function handOver(
  answer: AsyncIterable<Buffer>,
  response: ServerResponse,
  listener: Listener | null,
  caller: Caller,
) {
  // An answer that breaks off throws, and breaks off here too.
  for await (const chunk of answer) {
    caller.heard();
    listener?.hear(chunk);
    if (caller.gone.aborted || response.write(chunk)) continue;
    await once(response, 'drain', { signal: caller.gone }).catch(() => {});
  }
}

interface Caller {
  readonly gone: AbortSignal;
  /** It is gone, and the API has said nothing for too long since. */
  readonly silent: AbortSignal;
  heard(): void;
  forget(): void;
}

/** By its connection: an answer that waits behind another one does not tell that this has closed. */
function callerAt(socket: Socket, silenceMs: number): Caller {
  const [gone, silent] = [new AbortController(), new AbortController()];
  let silence: NodeJS.Timeout | undefined;
  const leave = (): void => {
    gone.abort();
    silence = setTimeout(() => silent.abort(), silenceMs);
  };
  if (socket.destroyed) leave();
  else socket.once('close', leave);
  const forget = (): void => {
    socket.off('close', leave);
    clearTimeout(silence);
  };
  return { gone: gone.signal, silent: silent.signal, heard: () => void silence?.refresh(), forget };
}

function listenerFor(status: number, headers: GateAnswer['headers'], { watch, cost }: ApiCall): Listener | null {
  if (inWords.has(status)) return textListener((text) => watch({ status, headers, text }));
  watch({ status, headers, text: '' });
  if (cost === null || status < 200 || status > 299) return null;
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
  return usageListener(encoding === 'identity' ? String(type) : 'compressed', {
    tell: cost.metered.tell,
    estimate: cost.estimate.usage,
  });
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

/** An answer of the gate's own. */
export function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

/** `fetch failed` says nothing; what is below it does. */
const causeOf = (error: Error): string => {
  const deepest = error instanceof AggregateError ? error.errors[0] : (error.cause ?? error);
  return deepest instanceof Error ? deepest.message || String((deepest as { code?: unknown }).code) : String(deepest);
};
