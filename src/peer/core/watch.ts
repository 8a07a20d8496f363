import type { MonoMs } from '../../protocol/ids.ts';

/** What a leader knows of the worker of the attempt under way. Soft: a successor asks afresh. */
export interface Watch {
  readonly attempt: number;
  readonly lastHeard: MonoMs;
  /** What has not come since, for people: a successor knows only of its own wait, not of the silence before. */
  readonly awaited: 'heartbeat' | 'word after its assignment' | 'answer to its new leader';
  /** Silence for longer than this is a lapse. */
  readonly patienceMs: number;
  /** Known to be gone, whatever the clock says: its connection is closed, or it was restarted. */
  readonly gone: string | null;
}

/** Why the attempt has lapsed, or null while it has not. */
export function lapseOf({ lastHeard, awaited, patienceMs, gone }: Watch, now: MonoMs): string | null {
  const silentMs = now - lastHeard;
  return gone ?? (silentMs >= patienceMs ? `no ${awaited} for ${(silentMs / 1_000).toFixed(1)} s` : null);
}

export const msUntilLapse = ({ lastHeard, patienceMs }: Watch, now: MonoMs): number =>
  Math.max(0, lastHeard + patienceMs - now);
