import { git } from '../repository.ts';

export interface FakeComment {
  readonly author?: string;
  readonly body: string;
}

/** An issue as a test gives it. */
export interface FakeIssue {
  readonly number: number;
  readonly title: string;
  readonly body?: string | null;
  readonly labels?: readonly string[];
  readonly comments?: readonly (string | FakeComment)[];
  readonly state?: 'open' | 'closed';
  readonly author?: string;
}

export interface FakeRepository {
  readonly owner: string;
  readonly name: string;
  /** A bare repository; its HEAD names the default branch. */
  readonly gitDir: string;
  readonly issues?: readonly FakeIssue[];
  /** Nobody without a token sees it. */
  readonly isPrivate?: boolean;
  /** False: as in private repositories of GitHub's free plan. */
  readonly hasDrafts?: boolean;
}

export interface FakeToken {
  readonly token: string;
  readonly login: string;
  readonly rights: 'read' | 'write';
}

export interface IssueState {
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly author: string;
  readonly labels: string[];
  readonly comments: { readonly id: number; readonly author: string; readonly body: string }[];
  state: 'open' | 'closed';
}

export interface PullState {
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly author: string;
  /** Branches. */
  readonly head: string;
  readonly base: string;
  readonly draft: boolean;
  /** The head's commit; it stays as it is once the pull request has ended. */
  commit: string;
  state: 'open' | 'closed' | 'merged';
}

export interface Entry {
  readonly type: 'dir' | 'file';
  readonly sha: string;
  readonly path: string;
}

let lastId = 1_000;
const nextId = (): number => {
  lastId += 1;
  return lastId;
};

/** One repository: issues and pull requests in memory, branches and commits in git. */
export class RepositoryState {
  readonly id = nextId();
  readonly owner: string;
  readonly name: string;
  readonly gitDir: string;
  readonly isPrivate: boolean;
  readonly hasDrafts: boolean;
  readonly issues: IssueState[] = [];
  readonly pulls: PullState[] = [];

  constructor({ owner, name, gitDir, issues, isPrivate, hasDrafts }: FakeRepository) {
    this.owner = owner;
    this.name = name;
    this.gitDir = gitDir;
    this.isPrivate = isPrivate ?? false;
    this.hasDrafts = hasDrafts ?? true;
    for (const issue of issues ?? []) this.addIssue(issue);
  }

  get slug(): string {
    return `${this.owner}/${this.name}`;
  }

  get defaultBranch(): string {
    return git(this.gitDir, 'symbolic-ref', '--short', 'HEAD');
  }

  addIssue(issue: FakeIssue): void {
    const state: IssueState = {
      number: issue.number,
      title: issue.title,
      body: issue.body ?? null,
      author: issue.author ?? 'octocat',
      labels: [...(issue.labels ?? [])],
      comments: [],
      state: issue.state ?? 'open',
    };
    this.issues.push(state);
    for (const comment of issue.comments ?? []) {
      const { author = 'octocat', body } = typeof comment === 'string' ? { body: comment } : comment;
      this.addComment(state, author, body);
    }
  }

  addComment(issue: IssueState, author: string, body: string): IssueState['comments'][number] {
    const comment = { id: nextId(), author, body };
    issue.comments.push(comment);
    return comment;
  }

  /** The commit that a full reference points to. */
  commitAt(ref: string): string | null {
    // The argument also fits what is below it: `refs/heads/next/one`.
    const lines = git(this.gitDir, 'for-each-ref', '--format=%(objectname) %(refname)', ref).split('\n');
    return lines.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0] ?? null;
  }

  branch(name: string): string | null {
    return this.commitAt(`refs/heads/${name}`);
  }

  /** A file or folder by its path; by a path with a slash at its end what is in it. */
  entries(branch: string, path: string): readonly Entry[] {
    const lines = git(this.gitDir, 'ls-tree', '--full-tree', branch, '--', path).split('\n');
    return lines.flatMap((line) => {
      const [, kind, sha, name] = /^\d+ (\w+) (\w+)\t(.+)$/.exec(line) ?? [];
      return sha === undefined || name === undefined
        ? []
        : [{ type: kind === 'tree' ? 'dir' : 'file', sha, path: name }];
    });
  }

  openPull(pull: Omit<PullState, 'number' | 'commit' | 'state'>): PullState {
    const number = Math.max(0, ...[...this.issues, ...this.pulls].map((one) => one.number)) + 1;
    const state: PullState = { ...pull, number, commit: this.branch(pull.head) ?? '', state: 'open' };
    this.pulls.push(state);
    return state;
  }

  /** What a push has changed: an open pull request follows its branch, and ends with it. */
  followBranches(): void {
    for (const pull of this.pulls.filter(({ state }) => state === 'open')) {
      const tip = this.branch(pull.head);
      if (tip === null) pull.state = 'closed';
      else pull.commit = tip;
    }
  }

  pull(number: number): PullState {
    this.followBranches();
    const pull = this.pulls.find((one) => one.number === number);
    if (pull === undefined) throw new Error(`${this.slug} has no pull request ${number}`);
    return pull;
  }

  /** A real merge commit, of the head's files, on the base. */
  merge(number: number): void {
    const pull = this.pull(number);
    const tree = git(this.gitDir, 'rev-parse', `${pull.commit}^{tree}`);
    const parents = ['-p', this.branch(pull.base) ?? '', '-p', pull.commit];
    const commit = git(this.gitDir, 'commit-tree', tree, ...parents, '-m', `Merge pull request #${number}`);
    git(this.gitDir, 'update-ref', `refs/heads/${pull.base}`, commit);
    pull.state = 'merged';
  }

  removeBranch(name: string): void {
    this.followBranches();
    git(this.gitDir, 'update-ref', '-d', `refs/heads/${name}`);
  }
}
