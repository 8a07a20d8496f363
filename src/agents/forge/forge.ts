import type { CommitId, TaskId } from '../../protocol/ids.ts';
import type { Repository } from '../../protocol/record.ts';
import type { TaskResult } from '../../protocol/state.ts';
import type { GitRemote } from '../git.ts';

/** What a branch is at; `task` and `attempt` are null where the commit is not the mesh's. */
export interface BranchTip {
  readonly commit: CommitId;
  readonly task: TaskId | null;
  readonly attempt: number | null;
  /** What the repository's test command said of it; null where that is not known. */
  readonly verified: boolean | null;
}

export interface Push {
  /** A bare repository that has the commit. */
  readonly gitDir: string;
  readonly commit: CommitId;
  readonly branch: string;
  /** Null: there must be no such branch yet. */
  readonly expectedTip: CommitId | null;
}

export type Pushed = { readonly type: 'pushed' } | { readonly type: 'moved' };

export interface PullRequestDraft {
  readonly branch: string;
  /** Null = the repository's default branch. */
  readonly base: string | null;
  readonly title: string;
  readonly body: string;
  /** Not ready to be merged. */
  readonly draft: boolean;
  /** What the branch was pushed at. */
  readonly commit: CommitId;
}

/** Where a task's result goes. Every method but `remote` throws ForgeError and GitError. */
export interface Forge {
  /** URL to clone from and push to, and the value of an http Authorization header (never put in argv or files). */
  remote(): GitRemote;
  /** Null where there is no such branch. */
  tip(branch: string): Promise<BranchTip | null>;
  /** Compare-and-swap. `moved`: the branch was at another commit than expected, and is not at this one. */
  push(push: Push): Promise<Pushed>;
  readonly opensPullRequests: boolean;
  /** Adopts an open one, reports closed and merged ones as they are; else opens one, a draft where it can be one. */
  openPullRequest(draft: PullRequestDraft): Promise<TaskResult>;
}

export type ForgeFor = (repository: Repository) => Forge | { readonly noAccess: string };
