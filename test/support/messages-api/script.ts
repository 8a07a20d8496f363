import type { Messages } from '@anthropic-ai/sdk/resources/messages';
import type { Call } from './call.ts';

/** What the model does in one turn of the scripted conversation. */
export interface Turn {
  readonly type: 'turn';
  readonly blocks: readonly Block[];
  readonly usage?: Partial<TurnUsage>;
  /** What else the API says of its usage. */
  readonly moreUsage?: Partial<Messages.Usage>;
  /** Of what the blocks say where left out: `tool_use` or `end_turn`. */
  readonly stopReason?: Messages.StopReason;
  readonly headers?: Headers;
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

/** In tokens. */
export interface TurnUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly cacheRead: number;
}

type Headers = Readonly<Record<string, string>>;

/** An answer that is no message. */
export interface Refusal {
  readonly type: 'refusal';
  readonly status: number;
  readonly headers?: Headers;
  /** The whole body. */
  readonly body: unknown;
}

/** A stream that begins as it should, and then breaks in the middle of an event, or is silent for ever. */
export interface Broken {
  readonly type: 'broken';
  readonly turn: Turn;
  /** Whole events that are sent before. */
  readonly afterEvents: number;
  readonly ends: 'cut' | 'silence';
}

export type Reply = Turn | Refusal | Broken;

/** Plays the model. May wait: the call is answered when it has resolved. */
export type Script = (call: Call) => Reply | Promise<Reply>;

// ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const says = (text: string): Block => ({ type: 'text', text });
export const uses = (name: string, input: Readonly<Record<string, unknown>>): Block => ({
  type: 'tool_use',
  name,
  input,
});
export const turn = (blocks: readonly Block[], more: Omit<Partial<Turn>, 'type' | 'blocks'> = {}): Turn => ({
  type: 'turn',
  blocks,
  ...more,
});

/**
 * A conversation of these turns. Which comes next is told by the history that the caller sends, so one that is resumed goes
 * on where it was. A call without tools is beside the conversation (the title of a session); it is answered `ok`.
 */
export const conversation =
  (turns: readonly Turn[]): Script =>
  (call) =>
    call.tools.length === 0 ? turn([says('ok')]) : (turns[call.turnsSoFar] ?? turn([says('There is nothing left.')]));

// ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────────────

export const refusal = (status: number, type: string, message: string, headers: Headers = {}): Refusal => ({
  type: 'refusal',
  status,
  headers,
  body: { type: 'error', error: { type, message }, request_id: 'req_refused' },
});

export const badKey = (): Refusal => refusal(401, 'authentication_error', 'invalid x-api-key');
export const forbidden = (): Refusal =>
  refusal(403, 'permission_error', 'Your API key does not have permission to use the specified resource');
export const rateLimited = (retryAfterSeconds: number, headers: Headers = {}): Refusal =>
  refusal(429, 'rate_limit_error', 'This request would exceed your organization’s rate limit', {
    'retry-after': String(retryAfterSeconds),
    ...headers,
  });
export const overloaded = (): Refusal => refusal(529, 'overloaded_error', 'Overloaded');
export const broken = (): Refusal => refusal(500, 'api_error', 'Internal server error');
export const noCredit = (): Refusal =>
  refusal(
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  );
export const promptTooLong = (): Refusal =>
  refusal(400, 'invalid_request_error', 'prompt is too long: 215000 tokens > 200000 maximum');

/** A plan's limit that has been reached, as the API tells a subscriber; `resetsAtSeconds` since the epoch. */
export const usageLimit = (resetsAtSeconds: number): Refusal =>
  refusal(429, 'rate_limit_error', 'This request would exceed your account’s rate limit. Please try again later.', {
    'anthropic-ratelimit-unified-status': 'rejected',
    'anthropic-ratelimit-unified-reset': String(resetsAtSeconds),
    'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    'anthropic-ratelimit-unified-5h-status': 'rejected',
    'anthropic-ratelimit-unified-5h-reset': String(resetsAtSeconds),
    'retry-after': String(Math.max(1, resetsAtSeconds - Math.floor(Date.now() / 1_000))),
  });

const someTurn = turn([says('Let me have a look at the files of this repository first.')]);
/** Events of the start of a message, its first block and some text. */
const someEvents = 4;

export const cutStream = (whole: Turn = someTurn, afterEvents = someEvents): Broken => ({
  type: 'broken',
  turn: whole,
  afterEvents,
  ends: 'cut',
});
export const stalledStream = (whole: Turn = someTurn, afterEvents = someEvents): Broken => ({
  type: 'broken',
  turn: whole,
  afterEvents,
  ends: 'silence',
});

/** These replies first, one for each call of the conversation, and then as the script says. */
export function first(replies: readonly Reply[], script: Script): Script {
  const left = [...replies];
  return (call) => (call.tools.length === 0 ? undefined : left.shift()) ?? script(call);
}
