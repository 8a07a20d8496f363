import { z } from 'zod';
import { modelSchema, usageOf } from './api-usage.ts';
import type { Usage } from './usage.ts';

/** What a call may use, by its request: not every answer tells. */
export interface Estimate {
  /** All of what is asked for. */
  readonly most: Usage;
  /** Of the output, what can have been written after so long, in tokens. */
  writtenIn(ms: number): number;
  /** With that much of output. */
  usage(outputTokens: number): Usage;
}

/** Of a request that is longer, in bytes, nothing is read but its length. */
const maxParsed = 16 * 1024 * 1024;

/** Where the request does not say what is asked for, as far as that is understood. */
const mostOutput = 128_000;

const askedSchema = z.object({
  model: modelSchema,
  max_tokens: z.int().min(0).max(1_000_000),
  stream: z.boolean().nullish(),
  speed: z.string().nullish(),
  inference_geo: z.string().nullish(),
});
type Asked = z.infer<typeof askedSchema>;

/** Of a model that is on no list: as dear as any. */
const unknown: Asked = { model: '', max_tokens: mostOutput };

/** A token of text or code has rarely fewer. */
const bytesPerToken = 3;
/** More than any model writes. */
const tokensPerSecond = 250;

/**
 * Of the input, by the length of the request, none of it cached. What is asked for in one piece the API may write to its
 * end, whether or not anybody waits; a stream it ends with the connection.
 */
export function estimateOf(body: Buffer): Estimate {
  const { model, max_tokens, stream, ...more } = askedIn(body);
  const input_tokens = Math.ceil(body.length / bytesPerToken);
  const usage = (output_tokens: number): Usage => usageOf(model, { ...more, input_tokens, output_tokens });
  const writtenIn = (ms: number): number =>
    stream === true ? Math.min(max_tokens, Math.ceil((ms / 1_000) * tokensPerSecond)) : max_tokens;
  return { most: usage(max_tokens), writtenIn, usage };
}

function askedIn(body: Buffer): Asked {
  if (body.length > maxParsed) return unknown;
  try {
    return askedSchema.safeParse(JSON.parse(body.toString('utf8'))).data ?? unknown;
  } catch {
    return unknown;
  }
}
