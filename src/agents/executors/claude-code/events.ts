import { z } from 'zod';
import { Limits } from '../../../protocol/limits.ts';
import { costSchema } from '../../../protocol/money.ts';

/** What of the lines of `--output-format stream-json` is looked at. Other types, and other fields, are passed over. */
const count = z
  .int()
  .min(0)
  .max(Limits.tokens)
  .nullish()
  .transform((tokens) => tokens ?? 0);
const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
});
export type EventUsage = z.infer<typeof usageSchema>;

const blockSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  is_error: z.boolean().optional(),
  content: z.unknown().optional(),
});
export type Block = z.infer<typeof blockSchema>;
const blocks = z.array(blockSchema).max(10_000);
/** Of a subagent, the use of the tool that has begun it. */
const parent_tool_use_id = z.string().nullish();

const assistantSchema = z.object({
  type: z.literal('assistant'),
  parent_tool_use_id,
  message: z.object({ content: blocks }),
  /** The API has failed for good: the kind. The text is then of the CLI's making. */
  error: z.string().nullish(),
});

const userSchema = z.object({
  type: z.literal('user'),
  message: z.object({ content: z.union([z.string(), blocks]) }),
});

const systemSchema = z.object({
  type: z.literal('system'),
  subtype: z.string(),
  // Of `init`.
  session_id: z.string().max(100).optional(),
  model: z.string().max(200).optional(),
  // Of `api_retry`.
  attempt: z.int().optional(),
  max_retries: z.int().optional(),
  error_status: z.int().nullish(),
  // Of `permission_denied`.
  tool_name: z.string().optional(),
  tool_use_id: z.string().optional(),
  message: z.string().optional(),
});

const streamSchema = z.object({
  type: z.literal('stream_event'),
  parent_tool_use_id,
  event: z.object({
    type: z.string(),
    message: z.object({ model: z.string(), usage: usageSchema }).optional(),
    usage: usageSchema.optional(),
  }),
});

/** In 2100, in seconds since the epoch. */
const latest = 4_102_444_800;
const limitSchema = z.object({
  type: z.literal('rate_limit_event'),
  rate_limit_info: z.object({ status: z.string(), resetsAt: z.number().min(0).max(latest).optional() }),
});

const modelUsageSchema = z.record(
  z.string(),
  z.object({
    inputTokens: count,
    outputTokens: count,
    cacheReadInputTokens: count,
    cacheCreationInputTokens: count,
    costUSD: costSchema.default(0),
  }),
);
export type ModelUsage = z.infer<typeof modelUsageSchema>;

const resultSchema = z.object({
  type: z.literal('result'),
  /** `success` says nothing: an API that has failed is told as one. Only the limits are known by it. */
  subtype: z.string(),
  is_error: z.boolean(),
  result: z.string().optional(),
  errors: z.array(z.string()).max(1_000).default([]),
  api_error_status: z.int().nullish(),
  permission_denials: z
    .array(
      z.object({
        tool_name: z.string(),
        tool_use_id: z.string().optional(),
        tool_input: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .max(10_000)
    .default([]),
  /** Of this process. `modelUsage` and `total_cost_usd` have all that the session has cost, also before it was resumed. */
  model_usage_since_last_result: modelUsageSchema.optional(),
});
export type ResultEvent = z.infer<typeof resultSchema>;

const eventSchema = z.discriminatedUnion('type', [
  assistantSchema,
  userSchema,
  systemSchema,
  streamSchema,
  limitSchema,
  resultSchema,
]);
export type ClaudeEvent = z.infer<typeof eventSchema>;

/** The event that a line's JSON tells of; null for one that nothing is to be made of. */
export function parseEvent(json: unknown): ClaudeEvent | null {
  const parsed = eventSchema.safeParse(json);
  return parsed.success ? parsed.data : null;
}
