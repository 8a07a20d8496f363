import type { CliError } from './errors.ts';

/**
 * Waits for the work, or for a person's Ctrl-C, which `ending` puts into words. A second one ends the process at once,
 * as it does where nobody listens.
 */
export async function untilInterrupted<T>(work: Promise<T>, ending: () => CliError): Promise<T> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const onSignal = (): void => reject(ending());
  process.once('SIGINT', onSignal);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    process.off('SIGINT', onSignal);
  }
}
