import { z } from 'zod';
import { wallMsSchema } from '../../../protocol/ids.ts';

/** What the agent program is told on its standard input, as one JSON text. The key of the API is not in it. */
export const orderSchema = z.object({
  /** The key gate, and what it takes for a key. */
  baseUrl: z.string(),
  pass: z.string(),
  model: z.string(),
  /** Who the agent is to be; empty for nobody in particular. */
  specialist: z.string(),
  /** In Claude Code's spelling; null for all. */
  tools: z.array(z.string()).nullable(),
  prompt: z.string(),
  followUp: z.string().nullable(),
  cwd: z.string(),
  sessionDir: z.string(),
  turns: z.number(),
  /** The longest that one command may take. */
  commandMs: z.number(),
  backoffMs: z.array(z.number()),
});
export type Order = z.infer<typeof orderSchema>;

/** Lines are handed on in pieces from 64 KiB on, and JSON may write a character in six. */
export const maxText = 8_000;
const textSchema = z.string().max(64 * 1024);

const outcomeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('finished'), summary: textSchema.nullable() }),
  z.object({ type: z.literal('failed'), reason: textSchema }),
  z.object({ type: z.literal('quota'), until: wallMsSchema.nullable(), reason: textSchema }),
]);

/** What it says on its standard output, one JSON text to a line; whatever the agent starts can write there as well. */
export const lineSchema = z.discriminatedUnion('type', [
  /** Nothing but that something comes: a stream that is stalled is known by its silence. */
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('progress'), text: textSchema }),
  /** A line of what the model says. */
  z.object({ type: z.literal('said'), text: textSchema }),
  z.object({ type: z.literal('denied'), tool: textSchema, detail: textSchema }),
  /** The last one. */
  z.object({ type: z.literal('ended'), outcome: outcomeSchema }),
]);
export type Line = z.infer<typeof lineSchema>;
export type Ended = Extract<Line, { type: 'ended' }>['outcome'];
export type Tell = (line: Line) => void;

/** Null for what is no such line: a newer program may say more. */
export function parseLine(text: string): Line | null {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
