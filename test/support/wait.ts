import { setTimeout as delay } from 'node:timers/promises';

/** A deadline is for what hangs, not for what is slow on a busy machine; a test gives another where it is the claim. */
export const patientMs = 30_000;

/**
 * Polls until the condition gives something other than null, undefined or false.
 * @throws after the deadline, with what was waited for and what was last seen.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  deadlineMs = patientMs,
  lastSeen: () => unknown = () => '',
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) {
      const seen = await lastSeen();
      throw new Error(`not within ${deadlineMs} ms: ${what}\nlast seen: ${JSON.stringify(seen, null, 1)}`);
    }
    await delay(20);
  }
}
