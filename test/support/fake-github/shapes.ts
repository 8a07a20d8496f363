import { git } from '../repository.ts';
import type { Description } from './description.ts';
import { fill, fillList } from './fill.ts';
import type { Entry, FakeToken, IssueState, PullState, RepositoryState } from './model.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the API says of the things in a repository. */
export class Shapes {
  readonly #description: Description;
  readonly #apiUrl: string;
  readonly #serverUrl: string;

  constructor(description: Description, apiUrl: string, serverUrl: string) {
    this.#description = description;
    this.#apiUrl = apiUrl;
    this.#serverUrl = serverUrl;
  }

  viewer({ login }: FakeToken): Json {
    return fill(this.#description, 'public-user', { login, type: 'User' });
  }

  /** `rights` null: nobody is logged in. */
  repository(repository: RepositoryState, rights: FakeToken['rights'] | null): Json {
    const push = rights === 'write';
    return fill(this.#description, 'full-repository', {
      ...this.#repositoryFields(repository),
      ...(rights === null ? {} : { permissions: { admin: false, maintain: false, push, triage: push, pull: true } }),
    });
  }

  issue(repository: RepositoryState, issue: IssueState): Json {
    const url = `${this.#api(repository)}/issues/${issue.number}`;
    return fill(this.#description, 'issue', {
      number: issue.number,
      title: issue.title,
      body: issue.body,
      state: issue.state,
      user: { login: issue.author },
      labels: issue.labels.map((name) => ({ name })),
      comments: issue.comments.length,
      url,
      comments_url: `${url}/comments`,
      repository_url: this.#api(repository),
      html_url: `${this.#html(repository)}/issues/${issue.number}`,
      closed_at: issue.state === 'open' ? null : '2026-01-02T00:00:00Z',
    });
  }

  /** Pull requests are issues as well. */
  pullAsIssue(repository: RepositoryState, pull: PullState): Json {
    const state = pull.state === 'open' ? 'open' : 'closed';
    const issue = this.issue(repository, { ...pull, state, labels: [], comments: [] });
    const url = `${this.#html(repository)}/pull/${pull.number}`;
    const links = { url: `${this.#api(repository)}/pulls/${pull.number}`, html_url: url };
    return { ...issue, html_url: url, pull_request: { ...links, diff_url: `${url}.diff`, patch_url: `${url}.patch` } };
  }

  comment(repository: RepositoryState, issue: IssueState, comment: IssueState['comments'][number]): Json {
    return fill(this.#description, 'issue-comment', {
      id: comment.id,
      body: comment.body,
      user: { login: comment.author },
      issue_url: `${this.#api(repository)}/issues/${issue.number}`,
      html_url: `${this.#html(repository)}/issues/${issue.number}#issuecomment-${comment.id}`,
    });
  }

  label(name: string): Json {
    return fill(this.#description, 'label', { name });
  }

  /** `simple`: as in a list. */
  pull(repository: RepositoryState, pull: PullState, form: 'simple' | 'full'): Json {
    const side = (ref: string, sha: string): Json => ({
      ref,
      sha,
      label: `${repository.owner}:${ref}`,
      user: { login: repository.owner },
      repo: this.#repositoryFields(repository),
    });
    const ended = pull.state === 'open' ? null : '2026-01-02T00:00:00Z';
    return fill(this.#description, form === 'simple' ? 'pull-request-simple' : 'pull-request', {
      number: pull.number,
      title: pull.title,
      body: pull.body,
      draft: pull.draft,
      state: pull.state === 'open' ? 'open' : 'closed',
      user: { login: pull.author },
      head: side(pull.head, pull.commit),
      base: side(pull.base, repository.branch(pull.base) ?? ''),
      url: `${this.#api(repository)}/pulls/${pull.number}`,
      html_url: `${this.#html(repository)}/pull/${pull.number}`,
      closed_at: ended,
      merged_at: pull.state === 'merged' ? ended : null,
      ...(form === 'full' ? { merged: pull.state === 'merged' } : {}),
    });
  }

  ref(repository: RepositoryState, ref: string, sha: string): Json {
    const url = `${this.#api(repository)}/git`;
    return fill(this.#description, 'git-ref', {
      ref,
      url: `${url}/${ref}`,
      object: { sha, type: 'commit', url: `${url}/commits/${sha}` },
    });
  }

  file(repository: RepositoryState, entry: Entry): Json {
    const content = git(repository.gitDir, 'cat-file', 'blob', entry.sha);
    const encoded = { encoding: 'base64', content: Buffer.from(content).toString('base64') };
    return fill(this.#description, 'content-file', { ...this.#entryFields(repository, entry), ...encoded });
  }

  folder(repository: RepositoryState, entries: readonly Entry[]): unknown {
    const items = entries.map((entry) => this.#entryFields(repository, entry));
    return fillList(this.#description, 'content-directory', items);
  }

  commit(repository: RepositoryState, sha: string): Json {
    const url = `${this.#api(repository)}/git`;
    const format = '--format=%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B';
    const fields = git(repository.gitDir, 'show', '--no-patch', format, sha).split('\0');
    const [tree, parents = '', name, email, date, committer, committerEmail, committed, message] = fields;
    return fill(this.#description, 'git-commit', {
      sha,
      message,
      url: `${url}/commits/${sha}`,
      html_url: `${this.#html(repository)}/commit/${sha}`,
      author: { name, email, date },
      committer: { name: committer, email: committerEmail, date: committed },
      tree: { sha: tree, url: `${url}/trees/${tree}` },
      parents: parents
        .split(' ')
        .filter((parent) => parent !== '')
        .map((parent) => ({
          sha: parent,
          url: `${url}/commits/${parent}`,
          html_url: `${this.#html(repository)}/commit/${parent}`,
        })),
    });
  }

  #entryFields(repository: RepositoryState, { type, path, sha }: Entry): Json {
    const url = `${this.#api(repository)}/contents/${path}`;
    return { type, path, sha, name: path.slice(path.lastIndexOf('/') + 1), url, _links: { self: url } };
  }

  #repositoryFields(repository: RepositoryState): Json {
    return {
      id: repository.id,
      name: repository.name,
      full_name: repository.slug,
      owner: { login: repository.owner },
      private: repository.isPrivate,
      default_branch: repository.defaultBranch,
      url: this.#api(repository),
      html_url: this.#html(repository),
      clone_url: `${this.#html(repository)}.git`,
    };
  }

  #api(repository: RepositoryState): string {
    return `${this.#apiUrl}/repos/${repository.slug}`;
  }

  #html(repository: RepositoryState): string {
    return `${this.#serverUrl}/${repository.slug}`;
  }
}
