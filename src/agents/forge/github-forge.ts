import { tmpdir } from 'node:os';
import type { TaskResult } from '../../protocol/state.ts';
import { GitError, type GitRemote } from '../git.ts';
import { ForgeError } from './errors.ts';
import type { BranchTip, Forge, PullRequestDraft, Push, Pushed } from './forge.ts';
import { pushBranch, readTip, removeBranch } from './git-branches.ts';
import { type GitHub, type NewPull, type Pull, type RepositoryName, stateOf } from './github.ts';

/** A look at the pull requests that is older than this is no ground to open one. */
const MaxLookMs = 20_000;

/**
 * A repository on GitHub. I3, at most one pull request: they are looked up by branch in every state before one is
 * opened, and GitHub itself allows one open pull request for a branch and its base.
 */
export class GitHubForge implements Forge {
  readonly opensPullRequests = true;
  readonly #github: GitHub;
  readonly #name: RepositoryName;
  readonly #scratch: string;

  constructor(github: GitHub, name: RepositoryName, scratch: string = tmpdir()) {
    this.#github = github;
    this.#name = name;
    this.#scratch = scratch;
  }

  remote(): GitRemote {
    const { serverUrl, token } = this.#github.settings;
    const path = [this.#name.owner, `${this.#name.name}.git`].map(encodeURIComponent).join('/');
    const basic = token === null ? null : Buffer.from(`x-access-token:${token}`).toString('base64');
    return { url: `${serverUrl}/${path}`, authorization: basic === null ? null : `Basic ${basic}` };
  }

  tip(branch: string): Promise<BranchTip | null> {
    return this.#explained(readTip(this.remote(), branch, this.#scratch));
  }

  push(push: Push): Promise<Pushed> {
    return this.#explained(pushBranch(this.remote(), push));
  }

  async openPullRequest(draft: PullRequestDraft): Promise<TaskResult> {
    const began = { monoMs: performance.now(), wallMs: Date.now() };
    // Pull requests are found by the owner's present name only.
    const { owner, name, default_branch } = await this.#github.repository(this.#name);
    const present = { owner: owner.login, name };
    const found = mostAlive(await this.#github.pullsFrom(present, draft.branch));
    if (found !== null) return this.#adopt(found, draft);
    // On either clock: the monotonic one stands still while the machine sleeps between the look and the deed (P4).
    const tookMs = Math.max(performance.now() - began.monoMs, Math.abs(Date.now() - began.wallMs));
    if (tookMs > MaxLookMs) {
      throw new ForgeError('network', 'GitHub answers too slowly', 'try again later', null);
    }
    const { branch, base, title, body, draft: isDraft } = draft;
    const pull: NewPull = { head: branch, base: base ?? default_branch, title, body, draft: isDraft };
    try {
      return resultOf(await this.#create(present, pull), draft);
    } catch (error) {
      if (!(error instanceof ForgeError && error.status === 422)) throw error;
      // Somebody was faster; where nobody was, GitHub has another reason.
      const rival = mostAlive(await this.#github.pullsFrom(present, branch));
      if (rival === null) throw error;
      return this.#adopt(rival, draft);
    }
  }

  /** Not every plan of GitHub's has drafts; the body says what is to be said of one all the same. */
  async #create(name: RepositoryName, pull: NewPull): Promise<Pull> {
    try {
      return await this.#github.createPull(name, pull);
    } catch (error) {
      const hasNoDrafts =
        error instanceof ForgeError && error.status === 422 && /draft pull requests/i.test(error.message);
      if (!pull.draft || !hasNoDrafts) throw error;
      return this.#github.createPull(name, { ...pull, draft: false });
    }
  }

  /** One that has ended stays ended, and a branch that was pushed after its end is a mistake. */
  async #adopt(pull: Pull, draft: PullRequestDraft): Promise<TaskResult> {
    if (stateOf(pull) === 'open') return resultOf(pull, draft);
    if (pull.head.sha !== draft.commit) await this.#removeMistake(draft);
    return resultOf(pull, { ...draft, commit: pull.head.sha });
  }

  async #removeMistake({ branch, commit }: PullRequestDraft): Promise<void> {
    try {
      await removeBranch(this.remote(), branch, commit, this.#scratch);
    } catch (error) {
      // A rule that protects the branch is no reason to lose the result.
      if (!(error instanceof GitError && error.code === 'failed')) throw error;
    }
  }

  /** git's own words about a refusal name no token and no right. */
  async #explained<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const full = `${this.#name.owner}/${this.#name.name}`;
      const hasToken = this.#github.settings.token !== null;
      if (error.code === 'auth' && /\b403\b/.test(error.stderr)) {
        const mend = 'give the token the right to write contents';
        throw new ForgeError('forbidden', `GitHub refuses git access to ${full}`, mend, 403, { cause: error });
      }
      if (error.code === 'auth') {
        const mend = hasToken ? 'set GITHUB_TOKEN to a valid one' : 'set GITHUB_TOKEN';
        throw new ForgeError('unauthorized', `GitHub wants a login for ${full}`, mend, 401, { cause: error });
      }
      if (error.code === 'not-found') {
        const mend = 'check its name, and that the token may read it';
        throw new ForgeError('not-found', `GitHub shows no ${full}`, mend, 404, { cause: error });
      }
      throw error;
    }
  }
}

const Liveliness = ['open', 'merged', 'closed'] as const;

/** The newest of the open ones, else of the merged, else of the closed. */
const mostAlive = (newestFirst: readonly Pull[]): Pull | null =>
  Liveliness.map((state) => newestFirst.find((pull) => stateOf(pull) === state)).find((pull) => pull !== undefined) ??
  null;

const resultOf = (pull: Pull, { branch, commit }: Pick<PullRequestDraft, 'branch' | 'commit'>): TaskResult => ({
  branch,
  commit,
  pullRequest: { number: pull.number, url: pull.html_url, state: stateOf(pull) },
});
