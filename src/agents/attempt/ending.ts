import type { AgentReport } from '../../protocol/agent.ts';
import { Limits } from '../../protocol/limits.ts';
import { oneLine } from '../lines.ts';
import { codeOf } from '../retry.ts';
import { WorkspaceError } from '../workspace/errors.ts';

/** The reports that end a job. */
export type Ending = Extract<AgentReport, { type: 'published' | 'failed' | 'refused' | 'quota' | 'stopped' }>;

export const failed = (reason: string, costUsd: number | null, final = false): Ending => ({
  type: 'failed',
  reason: bounded(reason),
  final,
  costUsd,
});

export const refused = (reason: string): Ending => ({ type: 'refused', reason: bounded(reason) });

export const stopped = (costUsd: number | null): Ending =>
  costUsd === null ? { type: 'stopped' } : { type: 'stopped', costUsd };

export const bounded = (reason: string): string => oneLine(reason, Limits.reason);

const Denied = new Set(['auth', 'not-found', 'unauthorized', 'forbidden']);
/** This PC's own trouble, as long as no agent has begun: another may do better, and nobody has failed. */
const NotHere = new Set([
  'no-git',
  'no-space',
  'mirror-in-use',
  'no-sandbox',
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EMFILE',
  'ENFILE',
  'EACCES',
  'EPERM',
  'EIO',
]);

/** For a log. */
export function describeEnding(ending: Ending): string {
  switch (ending.type) {
    case 'published':
      return `published as ${ending.result.pullRequest?.url ?? ending.result.branch}`;
    case 'stopped':
      return 'stopped';
    case 'failed':
    case 'refused':
    case 'quota':
      return `${ending.type}: ${ending.reason}`;
  }
}

/** The forge does not let this PC in. */
export const isDenied = (error: unknown): boolean => Denied.has(codeOf(error) ?? '');

/**
 * What a job says when it ended by an error. An agent can fill a disk, and shut the peer out of its folder: once it `hasBegun`
 * that is a failure, which counts, or its task would visit one peer after the other for ever.
 */
export function endingOf(error: unknown, costUsd: number | null, hasBegun = false): Ending {
  const message = error instanceof Error ? error.message : String(error);
  // git tells of a full disk in words only.
  if (NotHere.has(codeOf(error) ?? '') || /no space left on device|disk quota exceeded/i.test(message)) {
    return hasBegun ? failed(message, costUsd) : refused(message);
  }
  if (isDenied(error)) return refused(`no access: ${message}`);
  const isFinal = error instanceof WorkspaceError && error.code !== 'bad-result';
  return failed(message, costUsd, isFinal);
}
