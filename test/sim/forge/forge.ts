import type { BranchTip } from '../../../src/agents/forge/forge.ts';
import { type CommitId, type RunId, type TaskId, taskOfRun } from '../../../src/protocol/ids.ts';
import { attemptOfRun, type Observer } from '../observation.ts';

export interface Pull {
  readonly number: number;
  readonly place: string;
  /** The branch's tip, as long as there is a branch. */
  head: CommitId;
  state: 'open' | 'closed' | 'merged';
}

interface Commit {
  readonly task: TaskId | null;
  readonly attempt: number | null;
}

export interface VirtualPush {
  readonly place: string;
  readonly commit: CommitId;
  readonly expectedTip: CommitId | null;
  readonly by: RunId;
}

/**
 * A git remote and its GitHub, for all repositories: branches that are moved by compare-and-swap, one open pull request for
 * a branch, all of them listed for ever. A place is a branch in a repository.
 */
export class VirtualForge {
  readonly #nowMs: () => number;
  readonly #observer: Observer;
  readonly #tips = new Map<string, CommitId>();
  readonly #commits = new Map<CommitId, Commit>();
  /** On the default branch, by a merge that kept them. */
  readonly #merged = new Set<CommitId>();
  readonly #pulls: Pull[] = [];

  constructor(nowMs: () => number, observer: Observer) {
    this.#nowMs = nowMs;
    this.#observer = observer;
  }

  /** A commit that exists on its author's PC; `by` is null for people. */
  commit(by: RunId | null): CommitId {
    const id = (this.#commits.size + 1).toString(16).padStart(40, '0') as CommitId;
    this.#commits.set(
      id,
      by === null ? { task: null, attempt: null } : { task: taskOfRun(by), attempt: attemptOfRun(by) },
    );
    return id;
  }

  tip(place: string): Omit<BranchTip, 'verified'> | null {
    const commit = this.#tips.get(place);
    const facts = commit === undefined ? undefined : this.#commits.get(commit);
    return commit === undefined || facts === undefined ? null : { commit, ...facts };
  }

  /** `--force-with-lease`: false where the branch is at another commit than expected. */
  push({ place, commit, expectedTip, by }: VirtualPush): boolean {
    const replaced = this.#tips.get(place) ?? null;
    const accepted = replaced === expectedTip;
    if (accepted) this.#moveTo(place, commit);
    this.#observer.see({ at: this.#nowMs(), type: 'pushed', place, by, commit, replaced, accepted });
    return accepted;
  }

  /** Every pull request from this branch, open, closed and merged, the newest first. */
  pullsFrom(place: string): readonly Pull[] {
    return this.#pulls.filter((pull) => pull.place === place).reverse();
  }

  pull(number: number): Pull | undefined {
    return this.#pulls[number - 1];
  }

  /** Null = refused (422): no such branch, nothing new on it, or one is open already. */
  openPull(place: string, by: RunId): Pull | null {
    const head = this.#tips.get(place);
    const isOpen = this.pullsFrom(place).some(({ state }) => state === 'open');
    if (head === undefined || isOpen || this.#merged.has(head)) return null;
    const pull: Pull = { number: this.#pulls.length + 1, place, head, state: 'open' };
    this.#pulls.push(pull);
    this.#observer.see({ at: this.#nowMs(), type: 'pull-opened', place, number: pull.number, by });
    return pull;
  }

  /** A push that deletes, by compare-and-swap too. */
  remove(place: string, commit: CommitId, by: RunId | null): boolean {
    if (this.#tips.get(place) !== commit) return false;
    this.#tips.delete(place);
    for (const pull of this.pullsFrom(place)) if (pull.state === 'open') this.#end(pull, 'closed');
    this.#observer.see({ at: this.#nowMs(), type: 'branch-removed', place, by });
    return true;
  }

  // ── people ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** `squashed`: the branch's own commits are then nowhere on the default branch. */
  merge(pull: Pull, squashed: boolean): void {
    if (pull.state !== 'open') return;
    if (!squashed) this.#merged.add(pull.head);
    this.#end(pull, 'merged');
  }

  close(pull: Pull): void {
    if (pull.state === 'open') this.#end(pull, 'closed');
  }

  removeByHand(place: string): void {
    const commit = this.#tips.get(place);
    if (commit !== undefined) this.remove(place, commit, null);
  }

  /** Somebody's own commit, on top of whatever is there. */
  pushByHand(place: string): void {
    const replaced = this.#tips.get(place) ?? null;
    const commit = this.commit(null);
    this.#moveTo(place, commit);
    this.#observer.see({ at: this.#nowMs(), type: 'pushed', place, by: null, commit, replaced, accepted: true });
  }

  #moveTo(place: string, commit: CommitId): void {
    this.#tips.set(place, commit);
    for (const pull of this.#pulls) if (pull.place === place && pull.state === 'open') pull.head = commit;
  }

  #end(pull: Pull, how: 'merged' | 'closed'): void {
    pull.state = how;
    this.#observer.see({ at: this.#nowMs(), type: 'pull-ended', place: pull.place, number: pull.number, how });
  }
}
