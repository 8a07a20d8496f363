import { z } from 'zod';

const blockSchema = z.looseObject({ type: z.string() });
const messageSchema = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(blockSchema)]),
});

/** What of a request to `/v1/messages` is looked at. */
export const requestSchema = z.looseObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z.array(messageSchema).min(1),
  system: z.union([z.string(), z.array(blockSchema)]).optional(),
  tools: z.array(z.looseObject({ name: z.string() })).default([]),
  stream: z.boolean().default(false),
});
export type MessagesRequest = z.infer<typeof requestSchema>;
export type RequestBlock = z.infer<typeof blockSchema>;
export type RequestMessage = z.infer<typeof messageSchema>;

/** Every request, as it came in. */
export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Of the header `x-api-key`, or the bearer's token. */
  readonly key: string | null;
}

/** A valid call of the model. */
export interface Call extends RecordedRequest {
  readonly model: string;
  readonly messages: readonly RequestMessage[];
  /** Of the system prompt, its blocks joined. */
  readonly system: string;
  /** Names. */
  readonly tools: readonly string[];
  readonly stream: boolean;
  /** How often the model has spoken in the history that came with the call. */
  readonly turnsSoFar: number;
  /** How many blocks ask to be cached. */
  readonly cacheControls: number;
}

export function callOf(recorded: RecordedRequest, request: MessagesRequest): Call {
  return {
    ...recorded,
    model: request.model,
    messages: request.messages,
    system: textOf(request.system ?? ''),
    tools: request.tools.map(({ name }) => name),
    stream: request.stream,
    turnsSoFar: turnsIn(request.messages),
    cacheControls: countCacheControls(request),
  };
}

export const blocksOf = ({ content }: Pick<RequestMessage, 'content'>): readonly RequestBlock[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

/** The text of a prompt or a message, without other blocks. */
export const textOf = (content: string | readonly RequestBlock[]): string =>
  blocksOf({ content: typeof content === 'string' ? content : [...content] })
    .flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
    .join('\n');

/** Two messages of the model in a row are one turn, told in two. */
const turnsIn = (messages: readonly RequestMessage[]): number =>
  messages.filter((message, i) => isTurn(message) && messages[i - 1]?.role !== 'assistant').length;

/** Claude Code puts this between an interrupted call and what comes after; no model has said it. */
const filler = 'No response requested.';
const isTurn = (message: RequestMessage): boolean =>
  message.role === 'assistant' && textOf(message.content).trim() !== filler;

function countCacheControls(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + countCacheControls(one), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [name, one]) => sum + (name === 'cache_control' && one !== null ? 1 : countCacheControls(one)),
    0,
  );
}
