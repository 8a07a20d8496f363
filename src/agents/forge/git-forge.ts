import { tmpdir } from 'node:os';
import type { TaskResult } from '../../protocol/state.ts';
import type { GitRemote } from '../git.ts';
import type { BranchTip, Forge, PullRequestDraft, Push, Pushed } from './forge.ts';
import { pushBranch, readTip } from './git-branches.ts';

/** A plain git remote: the result is a pushed branch. Credentials are git's own matter (an ssh agent). */
export class GitForge implements Forge {
  readonly opensPullRequests = false;
  readonly #remote: GitRemote;
  readonly #scratch: string;

  /** A URL, or the absolute path of a repository on this PC. */
  constructor(url: string, scratch: string = tmpdir()) {
    this.#remote = { url, authorization: null };
    this.#scratch = scratch;
  }

  remote(): GitRemote {
    return this.#remote;
  }

  tip(branch: string): Promise<BranchTip | null> {
    return readTip(this.#remote, branch, this.#scratch);
  }

  push(push: Push): Promise<Pushed> {
    return pushBranch(this.#remote, push);
  }

  async openPullRequest({ branch, commit }: PullRequestDraft): Promise<TaskResult> {
    return { branch, commit, pullRequest: null };
  }
}
