import { z } from 'zod';
import { Limits } from '../../protocol/limits.ts';
import { costOf, dearer, searchUsd } from './prices.ts';
import { larger, noUsage, plus, type Usage } from './usage.ts';

const count = z.int().min(0).max(Limits.tokens).nullish();
const tokensSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.object({ ephemeral_1h_input_tokens: count }).nullish(),
});
type ApiTokens = z.infer<typeof tokensSchema>;

export const modelSchema = z.string().max(200);

/** `usage`, as the Messages API tells it of one call. */
export const apiUsageSchema = tokensSchema.extend({
  server_tool_use: z.object({ web_search_requests: count }).nullish(),
  speed: z.string().nullish(),
  inference_geo: z.string().nullish(),
  iterations: z
    .array(tokensSchema.extend({ model: modelSchema.nullish() }))
    .max(10_000)
    .nullish(),
});
export type ApiUsage = z.infer<typeof apiUsageSchema>;

/** The end of a stream tells totals, and leaves out, or tells as nothing, what its beginning has said. */
export const updated = (before: ApiUsage, now: ApiUsage): ApiUsage => ({
  ...before,
  ...Object.fromEntries(Object.entries(now).filter(([, value]) => value != null && value !== 0)),
});

/**
 * What a call of that model has used. Its iterations have what the totals leave out: the conversation made shorter by the
 * API itself, and the advice of another model.
 */
export function usageOf(model: string, told: ApiUsage): Usage {
  const parts = (told.iterations ?? []).map((one) => usageOfTokens(one.model ?? model, one));
  const used = larger(usageOfTokens(model, told), parts.reduce(plus, noUsage));
  const searches = told.server_tool_use?.web_search_requests ?? 0;
  const factor = dearer({ isFast: told.speed === 'fast', isInUs: told.inference_geo === 'us' });
  return { ...used, costUsd: used.costUsd * factor + searches * searchUsd };
}

function usageOfTokens(model: string, tokens: ApiTokens): Usage {
  const input = tokens.input_tokens ?? 0;
  const output = tokens.output_tokens ?? 0;
  const cacheRead = tokens.cache_read_input_tokens ?? 0;
  const written = tokens.cache_creation_input_tokens ?? 0;
  const cacheWriteLong = Math.min(tokens.cache_creation?.ephemeral_1h_input_tokens ?? 0, written);
  const cacheWrite = written - cacheWriteLong;
  return {
    inputTokens: input + written + cacheRead,
    outputTokens: output,
    costUsd: costOf(model, { input, output, cacheWrite, cacheWriteLong, cacheRead }),
  };
}
