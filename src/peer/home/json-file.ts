import type { z } from 'zod';
import { HomeError, type HomeErrorCode } from './errors.ts';
import { messageOf } from './files.ts';

/**
 * The parsed content of a JSON file that people edit.
 * @throws HomeError with the code given, in one line: the file, the first field that is wrong, and the mend.
 */
export function parseJsonFile<T>(
  code: HomeErrorCode,
  path: string,
  text: string,
  schema: z.ZodType<T>,
  mend: string,
): T {
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
  const field = issue === undefined || issue.path.length === 0 ? '' : `, ${issue.path.join('.')}`;
  const reason = oneLine(issue?.message ?? 'malformed');
  throw new HomeError(code, path, `${path}${field}: ${reason}; ${mend}`, { cause: parsed.error });
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ');
