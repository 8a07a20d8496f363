import { CommanderError } from 'commander';

/** What a command cannot do as it was asked, in one line that ends with the mend. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Null: it is no mistake on the command line. An empty line: all has been said (`--help`). */
export function usageLine(error: unknown): string | null {
  if (error instanceof UsageError) return error.message;
  if (!(error instanceof CommanderError)) return null;
  if (error.exitCode === 0) return '';
  const text = error.message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  const [what, expected] = text.split(/ is invalid\. /);
  return expected === undefined ? `${text}: see \`--help\`` : `${what} is no good: ${expected}`;
}
