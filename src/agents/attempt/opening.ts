import type { Job } from '../../protocol/agent.ts';
import type { Checkpoint } from '../../protocol/state.ts';
import type { CheckpointFiles } from '../checkpoint/files.ts';
import type { Executor } from '../executors/executor.ts';
import type { GitRemote } from '../git.ts';
import { retrying } from '../retry.ts';
import type { Identity } from '../workspace/commit.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Saved, Workspaces } from '../workspace/workspaces.ts';

export interface OpeningParts {
  readonly job: Job;
  readonly remote: GitRemote;
  readonly executor: Executor;
  readonly workspaces: Workspaces;
  readonly files: CheckpointFiles;
  readonly identity: Identity;
  readonly backoffMs: readonly number[];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export interface Opened {
  readonly workspace: Workspace;
  /** What it was made from; null where that is the repository alone. */
  readonly saved: Checkpoint | null;
}

/**
 * An attempt's workspace, from the last checkpoint where there is one that can be had; else from the repository alone.
 */
export async function openWorkspace(parts: OpeningParts): Promise<Opened> {
  const { job, say, signal } = parts;
  const { checkpoint } = job;
  if (checkpoint !== null) {
    try {
      say(`fetching the repository, and what attempt ${checkpoint.attempt} has saved`);
      return { workspace: await open(parts, await fetchSaved(parts, checkpoint)), saved: checkpoint };
    } catch (error) {
      signal.throwIfAborted();
      say(`starting afresh: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  say('fetching the repository');
  return { workspace: await open(parts, null), saved: null };
}

async function fetchSaved({ job, executor, files, signal }: OpeningParts, checkpoint: Checkpoint): Promise<Saved> {
  const withSession = checkpoint.session !== null && checkpoint.session === executor.session;
  const file = await files.fetch(job.task.id, checkpoint.blob, job.holders, signal);
  return { base: checkpoint.base, commit: checkpoint.commit, file, withSession };
}

const open = ({ job, remote, workspaces, identity, backoffMs, signal }: OpeningParts, saved: Saved | null) =>
  retrying(
    () => workspaces.open({ task: job.task, attempt: job.attempt, remote, identity, saved, signal }),
    backoffMs,
    signal,
  );
