import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { type ApiUsage, apiUsageSchema, modelSchema, updated, usageOf } from './api-usage.ts';
import type { Usage } from './usage.ts';

/** Hears an answer as it passes by, and never throws, whatever that is. */
export interface Listener {
  hear(chunk: Buffer): void;
  /** The answer has come to its own end. */
  end(): void;
}

/** In characters. The events that tell of usage are far shorter. */
const maxEvent = 1024 * 1024;
/** In bytes, of an answer that comes in one piece. */
const maxBody = 16 * 1024 * 1024;

const messageSchema = z.object({ model: modelSchema, usage: apiUsageSchema });
const startSchema = z.object({ message: messageSchema });
const deltaSchema = z.object({ usage: apiUsageSchema });

/** Tells what a call has used, as often as its answer says so: of one that breaks off, what was said until then. */
export function usageListener(contentType: string, tell: (used: Usage) => void): Listener | null {
  if (contentType.startsWith('text/event-stream')) return streamListener(tell);
  return contentType.startsWith('application/json') ? bodyListener(tell) : null;
}

function streamListener(tell: (used: Usage) => void): Listener {
  const decoder = new TextDecoder();
  let message: { readonly model: string; readonly usage: ApiUsage } | null = null;
  const parser = createParser({
    maxBufferSize: maxEvent,
    onError: ({ type }) => {
      // What is longer is not kept, and what follows it is heard again.
      if (type === 'max-buffer-size-exceeded') parser.reset();
    },
    onEvent: ({ event, data }) => {
      if (event === 'message_start') message = parsed(startSchema, data)?.message ?? message;
      else if (event === 'message_delta' && message !== null) {
        const usage = parsed(deltaSchema, data)?.usage;
        if (usage !== undefined) message = { ...message, usage: updated(message.usage, usage) };
      } else return;
      if (message !== null) tell(usageOf(message.model, message.usage));
    },
  });
  return { hear: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })), end: () => {} };
}

function bodyListener(tell: (used: Usage) => void): Listener {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    hear: (chunk) => {
      length += chunk.length;
      if (length <= maxBody) chunks.push(chunk);
      else chunks = [];
    },
    end: () => {
      const message = parsed(messageSchema, Buffer.concat(chunks).toString('utf8'));
      if (message !== null) tell(usageOf(message.model, message.usage));
    },
  };
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
