import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { type ApiUsage, apiUsageSchema, modelSchema, updated, usageOf } from './api-usage.ts';
import type { Usage } from './usage.ts';

/** Hears an answer as it passes by, and never throws, whatever that is. */
export interface Listener {
  hear(chunk: Buffer): void;
  /** Nothing more comes, and `mostOutput` tokens at most have been written: for an answer that has not told how many. */
  end(mostOutput: number): void;
}

/** In characters. The events that tell of usage are far shorter. */
const maxEvent = 1024 * 1024;
/** In bytes, of an answer that comes in one piece. */
const maxBody = 16 * 1024 * 1024;

const messageSchema = z.object({ model: modelSchema, usage: apiUsageSchema });
type Message = z.infer<typeof messageSchema>;
const startSchema = z.object({ message: messageSchema });
const deltaSchema = z.object({ usage: apiUsageSchema });

export interface Telling {
  readonly tell: (used: Usage) => void;
  /** Of a call whose answer tells nothing, with that much of output. */
  readonly estimate: (outputTokens: number) => Usage;
}

/** Tells what a call has used, as often as its answer says so, and at its end what it may have used that does not. */
export function usageListener(contentType: string, telling: Telling): Listener {
  if (contentType.startsWith('text/event-stream')) return streamListener(telling);
  return contentType.startsWith('application/json') ? bodyListener(telling) : deafListener(telling);
}

function streamListener({ tell, estimate }: Telling): Listener {
  const decoder = new TextDecoder();
  let message: Message | null = null;
  let isTold = false;
  const begin = (told: Message | undefined): void => {
    if (told === undefined) return;
    message = told;
    tell(usageOf(told.model, told.usage));
  };
  const update = (told: ApiUsage | undefined): void => {
    if (told === undefined || message === null) return;
    message = { ...message, usage: updated(message.usage, told) };
    isTold = true;
    tell(usageOf(message.model, message.usage));
  };
  const parser = createParser({
    maxBufferSize: maxEvent,
    onError: ({ type }) => {
      // What is longer is not kept, and what follows it is heard again.
      if (type === 'max-buffer-size-exceeded') parser.reset();
    },
    onEvent: ({ event, data }) => {
      if (event === 'message_start') begin(parsed(startSchema, data)?.message);
      else if (event === 'message_delta') update(parsed(deltaSchema, data)?.usage);
      // The API has given up, and bills no more than what it has told.
      else if (event === 'error') isTold = true;
    },
  });
  const end = (mostOutput: number): void => {
    if (isTold) return;
    if (message === null) return tell(estimate(mostOutput));
    const output_tokens = Math.max(message.usage.output_tokens ?? 0, mostOutput);
    tell(usageOf(message.model, { ...message.usage, output_tokens }));
  };
  return { hear: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })), end };
}

function bodyListener({ tell, estimate }: Telling): Listener {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    hear: (chunk) => {
      length += chunk.length;
      if (length <= maxBody) chunks.push(chunk);
      else chunks = [];
    },
    end: (mostOutput) => {
      const message = parsed(messageSchema, Buffer.concat(chunks).toString('utf8'));
      tell(message === null ? estimate(mostOutput) : usageOf(message.model, message.usage));
    },
  };
}

/** For what is compressed as well, though nobody has asked for that: its type says no more than what it would be. */
const deafListener = ({ tell, estimate }: Telling): Listener => ({
  hear: () => {},
  end: (mostOutput) => tell(estimate(mostOutput)),
});

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
