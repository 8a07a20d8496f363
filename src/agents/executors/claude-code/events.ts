import { z } from 'zod';

/** What of the lines of `--output-format stream-json` is looked at. Other types, and other fields, are passed over. */
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

const assistantSchema = z.object({
  type: z.literal('assistant'),
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
  event: z.object({ type: z.string() }),
});

/** In 2100, in seconds since the epoch. */
const latest = 4_102_444_800;
const limitSchema = z.object({
  type: z.literal('rate_limit_event'),
  rate_limit_info: z.object({ status: z.string(), resetsAt: z.number().min(0).max(latest).optional() }),
});

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
