import { git } from '../repository.ts';
import type { FakeToken, IssueState, RepositoryState } from './model.ts';
import type { Shapes } from './shapes.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Null: nobody is logged in. */
  readonly token: FakeToken | null;
  /** With the query, for links to other pages. */
  readonly url: URL;
  readonly shapes: Shapes;
}

export interface RepositoryCall extends Call {
  readonly repository: RepositoryState;
}

const documentation = 'https://docs.github.com/rest';

export const refusal = (status: number, message: string): Answer => ({
  status,
  body: { message, documentation_url: documentation, status: String(status) },
});

const notFound = refusal(404, 'Not Found');

const invalid = (error: Readonly<Record<string, string>>): Answer => ({
  status: 422,
  body: { message: 'Validation Failed', errors: [error], documentation_url: documentation },
});

/** What changes something needs a token that may write. */
export const Writes: ReadonlySet<string> = new Set([
  ...['issues/create-comment', 'issues/add-labels', 'pulls/create', 'git/create-ref', 'git/delete-ref'],
]);

type Operation = (call: RepositoryCall) => Answer;

/** By the operation's name in GitHub's description. */
export const operations: Readonly<Record<string, Operation>> = {
  'repos/get-content': getContent,
  'repos/get': ({ repository, token, shapes }) => ok(shapes.repository(repository, token?.rights ?? null)),
  'issues/get': getIssue,
  'issues/list-for-repo': listIssues,
  'issues/list-comments': (call) =>
    withIssue(call, (issue) => page(call, issue.comments, (one) => call.shapes.comment(call.repository, issue, one))),
  'issues/create-comment': (call) => withIssue(call, (issue) => createComment(call, issue)),
  'issues/add-labels': (call) => withIssue(call, (issue) => addLabels(call, issue)),
  'pulls/list': listPulls,
  'pulls/create': createPull,
  'pulls/get': getPull,
  'git/get-ref': getRef,
  'git/get-commit': getCommit,
  'git/create-ref': createRef,
  'git/delete-ref': deleteRef,
};

const ok = (body: unknown): Answer => ({ status: 200, body });
const created = (body: unknown): Answer => ({ status: 201, body });

/** One page of a list, with the links to the others. */
function page<T>({ query, url }: Call, items: readonly T[], shape: (item: T) => unknown): Answer {
  const size = Math.min(Number(query.per_page ?? 30), 100);
  const number = Number(query.page ?? 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (to: number, rel: string): string => {
    const other = new URL(url);
    other.searchParams.set('page', String(to));
    return `<${other.href}>; rel="${rel}"`;
  };
  const links = number < last ? [link(number + 1, 'next'), link(last, 'last')] : [];
  const body = items.slice((number - 1) * size, number * size).map(shape);
  return { status: 200, body, ...(links.length === 0 ? {} : { headers: { link: links.join(', ') } }) };
}

function withIssue({ repository, params }: RepositoryCall, then: (issue: IssueState) => Answer): Answer {
  const issue = repository.issues.find(({ number }) => number === Number(params.issue_number));
  return issue === undefined ? notFound : then(issue);
}

function getContent({ repository, params, query, shapes }: RepositoryCall): Answer {
  const path = params.path ?? '';
  const ref = query.ref ?? repository.defaultBranch;
  if (repository.branch(ref) === null) return notFound;
  const [entry] = repository.entries(ref, path);
  if (entry === undefined) return notFound;
  return ok(
    entry.type === 'file'
      ? shapes.file(repository, entry)
      : shapes.folder(repository, repository.entries(ref, `${path}/`)),
  );
}

function getIssue(call: RepositoryCall): Answer {
  const { repository, params, shapes } = call;
  const pull = repository.pulls.find(({ number }) => number === Number(params.issue_number));
  if (pull !== undefined) return ok(shapes.pullAsIssue(repository, pull));
  return withIssue(call, (issue) => ok(shapes.issue(repository, issue)));
}

function listIssues(call: RepositoryCall): Answer {
  const { repository, query, shapes } = call;
  const labels = (query.labels ?? '').split(',').filter((label) => label !== '');
  const state = query.state ?? 'open';
  const issues = repository.issues
    .filter((issue) => state === 'all' || issue.state === state)
    .filter((issue) => labels.every((label) => issue.labels.includes(label)))
    .sort((a, b) => (query.direction === 'asc' ? a.number - b.number : b.number - a.number));
  return page(call, issues, (issue) => shapes.issue(repository, issue));
}

function createComment({ repository, body, token, shapes }: RepositoryCall, issue: IssueState): Answer {
  const comment = repository.addComment(issue, token?.login ?? '', String(body.body));
  return created(shapes.comment(repository, issue, comment));
}

function addLabels({ body, shapes }: RepositoryCall, issue: IssueState): Answer {
  const labels = Array.isArray(body.labels) ? body.labels.map(String) : [];
  for (const label of labels) if (!issue.labels.includes(label)) issue.labels.push(label);
  return ok(issue.labels.map((label) => shapes.label(label)));
}

function listPulls(call: RepositoryCall): Answer {
  const { repository, query, shapes } = call;
  const state = query.state ?? 'open';
  // One without a colon is ignored by GitHub too, and everything is listed.
  const [, owner, branch] = /^([^:]+):(.+)$/.exec(query.head ?? '') ?? [];
  const pulls = repository.pulls
    .filter((pull) => state === 'all' || (pull.state === 'open') === (state === 'open'))
    .filter(({ head }) => branch === undefined || (head === branch && sameName(owner, repository.owner)))
    .filter(({ base }) => query.base === undefined || base === query.base)
    .sort((a, b) => (query.direction === 'asc' ? a.number - b.number : b.number - a.number));
  return page(call, pulls, (pull) => shapes.pull(repository, pull, 'simple'));
}

export const sameName = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

function createPull({ repository, body, token, shapes }: RepositoryCall): Answer {
  const base = String(body.base);
  const [owner, head = ''] = String(body.head).includes(':')
    ? String(body.head).split(':')
    : [repository.owner, String(body.head)];
  const tip = sameName(owner, repository.owner) ? repository.branch(head) : null;
  const baseTip = repository.branch(base);
  if (tip === null) return invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  if (baseTip === null) return invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  const custom = (message: string): Answer => invalid({ resource: 'PullRequest', code: 'custom', message });
  const isOpen = repository.pulls.some((pull) => pull.state === 'open' && pull.head === head && pull.base === base);
  if (isOpen) return custom(`A pull request already exists for ${repository.owner}:${head}.`);
  const draft = body.draft === true;
  if (draft && !repository.hasDrafts) return refusal(422, 'Draft pull requests are not supported in this repository.');
  const ahead = Number(git(repository.gitDir, 'rev-list', '--count', `${baseTip}..${tip}`));
  if (ahead === 0) return custom(`No commits between ${base} and ${head}`);
  const text = typeof body.body === 'string' ? body.body : null;
  const author = token?.login ?? '';
  const pull = repository.openPull({ title: String(body.title), body: text, author, head, base, draft });
  return created(shapes.pull(repository, pull, 'full'));
}

function getPull({ repository, params, shapes }: RepositoryCall): Answer {
  const pull = repository.pulls.find(({ number }) => number === Number(params.pull_number));
  return pull === undefined ? notFound : ok(shapes.pull(repository, pull, 'full'));
}

function getRef({ repository, params, shapes }: RepositoryCall): Answer {
  const ref = `refs/${params.ref}`;
  const sha = repository.commitAt(ref);
  return sha === null ? notFound : ok(shapes.ref(repository, ref, sha));
}

function getCommit({ repository, params, shapes }: RepositoryCall): Answer {
  const sha = params.commit_sha ?? '';
  return hasCommit(repository, sha) ? ok(shapes.commit(repository, sha)) : notFound;
}

function hasCommit(repository: RepositoryState, sha: string): boolean {
  try {
    return (
      /^[0-9a-f]{40}$/.test(sha) &&
      git(repository.gitDir, 'rev-parse', '--verify', '--quiet', `${sha}^{commit}`) === sha
    );
  } catch {
    return false;
  }
}

function createRef({ repository, body, shapes }: RepositoryCall): Answer {
  const ref = String(body.ref);
  const sha = String(body.sha);
  if (repository.commitAt(ref) !== null) return refusal(422, 'Reference already exists');
  if (!hasCommit(repository, sha)) return refusal(422, 'Object does not exist');
  git(repository.gitDir, 'update-ref', ref, sha);
  return created(shapes.ref(repository, ref, sha));
}

function deleteRef({ repository, params }: RepositoryCall): Answer {
  const ref = `refs/${params.ref}`;
  if (repository.commitAt(ref) === null) return refusal(422, 'Reference does not exist');
  git(repository.gitDir, 'update-ref', '-d', ref);
  return { status: 204, body: null };
}
