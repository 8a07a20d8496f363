import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses before the second, third, … try, in milliseconds. */
export const defaultBackoffMs: readonly number[] = [500, 2_000, 5_000, 15_000];

/** Does `action` again while it fails for a passing reason; the last failure is thrown, and so is an abort. */
export async function retrying<T>(
  action: () => Promise<T>,
  backoffMs: readonly number[],
  signal: AbortSignal,
): Promise<T> {
  for (const pauseMs of backoffMs) {
    try {
      return await action();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await sleep(pauseMs, undefined, { signal });
    }
  }
  return action();
}

/** The network's failures, git's and a forge's alike, pass by themselves. */
export const isPassing = (error: unknown): boolean =>
  ['network', 'timeout', 'rate-limited'].includes(codeOf(error) ?? '');

/** The `code` that operating errors carry, the system's included. */
export const codeOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
