import type { z } from 'zod';
import { HomeError, type HomeErrorCode } from './errors.ts';
import { messageOf } from './files.ts';

export type Issue = z.core.$ZodIssue;

/** How one kind of file is read, and what people are told where it is wrong. */
export interface JsonFile<T> {
  readonly code: HomeErrorCode;
  readonly schema: z.ZodType<T>;
  /** What is wrong where, and what is expected instead, in the words of people; `raw` is the file's content. */
  readonly trouble: (issue: Issue, raw: unknown) => string;
  readonly mend: string;
}

/**
 * The parsed content of a JSON file that people edit.
 * @throws HomeError with the file's code, in one line: the file, the first field that is wrong, and the mend.
 */
export function parseJsonFile<T>(path: string, text: string, { code, schema, trouble, mend }: JsonFile<T>): T {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    // Only the place: the message quotes the file, which may hold a key.
    const place = / \(line \d+ column \d+\)/.exec(messageOf(error))?.[0] ?? '';
    throw new HomeError(code, path, `${path} is not JSON${place}: ${mend}`);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const reason = issue === undefined ? 'malformed' : trouble(issue, raw);
  throw new HomeError(code, path, `${path}: ${reason}; ${mend}`, { cause: parsed.error });
}
