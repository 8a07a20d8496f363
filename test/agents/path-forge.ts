import type { Forge, PullRequestDraft } from '../../src/agents/forge/forge.ts';
import { GitError, git } from '../../src/agents/git.ts';
import { type CommitId, commitIdSchema, type TaskId } from '../../src/protocol/ids.ts';
import type { TaskResult } from '../../src/protocol/state.ts';
import { person } from './support.ts';

/** A forge in a local bare repository, with pull requests in memory and failures on demand. */
export class PathForge implements Forge {
  readonly opensPullRequests: boolean;
  readonly pulls: Pick<PullRequestDraft, 'branch' | 'title' | 'body' | 'draft'>[] = [];
  readonly pushes: CommitId[] = [];
  /** Thrown by the next calls, first in first out. */
  readonly failures: { readonly by: 'tip' | 'push' | 'open'; readonly error: Error }[] = [];
  /** Run before the next push is looked at: somebody else is faster. */
  beforePush: () => void = () => {};
  readonly #path: string;

  constructor(path: string, opensPullRequests = false) {
    this.#path = path;
    this.opensPullRequests = opensPullRequests;
  }

  remote(): { readonly url: string; readonly authorization: null } {
    return { url: this.#path, authorization: null };
  }

  async tip(branch: string) {
    this.#fail('tip');
    const commit = person(this.#path, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
    if (commit === '') return null;
    const trailer = (key: string): string =>
      person(this.#path, 'log', '-1', `--format=%(trailers:key=${key},valueonly)`, commit);
    const attempt = trailer('Mesh-Attempt');
    return {
      commit: commitIdSchema.parse(commit),
      task: (trailer('Mesh-Task') || null) as TaskId | null,
      attempt: attempt === '' ? null : Number(attempt),
      verified: { passed: true, failed: false }[trailer('Mesh-Verify')] ?? null,
    };
  }

  async push({ gitDir, commit, branch, expectedTip }: Parameters<Forge['push']>[0]): ReturnType<Forge['push']> {
    this.#fail('push');
    this.beforePush();
    this.beforePush = () => {};
    const ref = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${ref}:${expectedTip ?? ''}`;
    try {
      await git(['push', '--quiet', lease, '--', this.#path, `${commit}:${ref}`], { gitDir });
    } catch (error) {
      if (error instanceof GitError && error.stderr.includes('stale info')) return { type: 'moved' };
      throw error;
    }
    this.pushes.push(commit);
    return { type: 'pushed' };
  }

  async openPullRequest({ branch, title, body, draft, commit }: PullRequestDraft): Promise<TaskResult> {
    this.#fail('open');
    const number =
      this.pulls.findIndex((pull) => pull.branch === branch) + 1 || this.pulls.push({ branch, title, body, draft });
    return { branch, commit, pullRequest: { number, url: `https://forge.example/${number}`, state: 'open' } };
  }

  #fail(by: 'tip' | 'push' | 'open'): void {
    const index = this.failures.findIndex((failure) => failure.by === by);
    const [failure] = index < 0 ? [] : this.failures.splice(index, 1);
    if (failure !== undefined) throw failure.error;
  }
}
