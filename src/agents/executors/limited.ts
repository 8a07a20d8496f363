import { type Exit, type OutputStream, type SupervisedCommand, supervise } from '../processes/supervised.ts';
import type { RunLimits } from './executor.ts';

export type LimitedExit =
  | Exit
  | { readonly type: 'interrupted' }
  | { readonly type: 'over-time' }
  | { readonly type: 'silent' };

/**
 * Runs a command under supervision until it ends, a limit is reached or `signal` aborts. No process of it is left then.
 * `getsOn` is asked after each line: whether that was more than a sign of life.
 */
export async function runLimited(
  command: SupervisedCommand,
  limits: Pick<RunLimits, 'wallMs' | 'idleMs'>,
  signal: AbortSignal,
  onLine: (line: string, stream: OutputStream) => void,
  getsOn: () => boolean = () => true,
): Promise<LimitedExit> {
  if (signal.aborted) return { type: 'interrupted' };
  let cut: LimitedExit | null = null;
  let lastOutputAt = performance.now();
  const run = await supervise(command, (line, stream) => {
    onLine(line, stream);
    if (getsOn()) lastOutputAt = performance.now();
  });
  const end = (why: LimitedExit): void => {
    cut ??= why;
    void run.kill();
  };
  const onAbort = (): void => end({ type: 'interrupted' });
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const wall = setTimeout(() => end({ type: 'over-time' }), limits.wallMs);
  const idle = setInterval(
    () => {
      if (performance.now() - lastOutputAt >= limits.idleMs) end({ type: 'silent' });
    },
    Math.min(limits.idleMs / 4, 1_000),
  );
  try {
    const exit = await run.done;
    return cut ?? exit;
  } finally {
    clearTimeout(wall);
    clearInterval(idle);
    signal.removeEventListener('abort', onAbort);
  }
}

/** What was reached, in words that follow the name of what was run. */
export const cutShort = (by: 'over-time' | 'silent', limits: Pick<RunLimits, 'wallMs' | 'idleMs'>): string =>
  by === 'over-time'
    ? `was stopped after ${inWords(limits.wallMs)}, the task's time limit`
    : `was stopped after ${inWords(limits.idleMs)} without output`;

/** A time that was used up, for people. */
export const inWords = (ms: number): string =>
  ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 100) / 10} s`;
