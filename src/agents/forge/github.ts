import type { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { commitIdSchema } from '../../protocol/ids.ts';
import { ForgeError } from './errors.ts';
import { createOctokit, type Patience } from './github-http.ts';
import type { GitHubSettings } from './settings.ts';

export interface RepositoryName {
  readonly owner: string;
  readonly name: string;
}

const repositorySchema = z.object({
  name: z.string(),
  owner: z.object({ login: z.string() }),
  default_branch: z.string(),
});
export type RepositoryFacts = z.infer<typeof repositorySchema>;

const userSchema = z.object({ login: z.string() }).nullable();

const issueSchema = z.object({
  number: z.int().positive(),
  title: z.string(),
  body: z.string().nullish(),
  html_url: z.string().max(1_000),
  state: z.enum(['open', 'closed']),
  user: userSchema,
  labels: z.array(z.union([z.string(), z.object({ name: z.string().nullish() })])),
  comments: z.int().nonnegative(),
  /** Pull requests are issues too, to GitHub. */
  pull_request: z.looseObject({}).nullish(),
});
export type Issue = z.infer<typeof issueSchema>;

const commentSchema = z.object({ body: z.string().nullish(), user: userSchema, created_at: z.string() });
export type Comment = z.infer<typeof commentSchema>;

const pullSchema = z.object({
  number: z.int().positive(),
  html_url: z.string().max(1_000),
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullish(),
  head: z.object({ ref: z.string(), sha: commitIdSchema, repo: z.object({ id: z.int() }).nullish() }),
  base: z.object({ repo: z.object({ id: z.int() }) }),
});
export type Pull = z.infer<typeof pullSchema>;

export interface NewPull {
  /** Branches. */
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
}

/** A folder is told by what is in it; a link or a submodule by itself. */
const contentSchema = z.union([z.array(z.unknown()), z.object({ type: z.string() })]);

const PageSize = 100;

/** The few calls of GitHub's REST API that the mesh needs, their answers parsed. All throw ForgeError. */
export class GitHub {
  readonly settings: GitHubSettings;
  readonly #octokit: Octokit;

  constructor(settings: GitHubSettings, patience: Patience = {}) {
    this.settings = settings;
    this.#octokit = createOctokit(settings, patience);
  }

  /** Whose token it is. */
  async login(): Promise<string> {
    const { data } = await this.#octokit.rest.users.getAuthenticated();
    return parsed(z.object({ login: z.string() }), data).login;
  }

  /** Follows a renamed repository to its present name. */
  async repository({ owner, name }: RepositoryName): Promise<RepositoryFacts> {
    const { data } = await this.#octokit.rest.repos.get({ owner, repo: name });
    return parsed(repositorySchema, data);
  }

  async hasBranch({ owner, name }: RepositoryName, branch: string): Promise<boolean> {
    const asked = this.#octokit.rest.git.getRef({ owner, repo: name, ref: `heads/${branch}` });
    return (await unlessMissing(asked)) !== null;
  }

  /** What there is by that path on a branch, the default one for null; null where there is nothing. */
  async kindOf(
    { owner, name }: RepositoryName,
    path: string,
    branch: string | null,
  ): Promise<'folder' | 'file' | 'link' | null> {
    const ref = branch === null ? {} : { ref: branch };
    const answer = await unlessMissing(this.#octokit.rest.repos.getContent({ owner, repo: name, path, ...ref }));
    if (answer === null) return null;
    const content = parsed(contentSchema, answer.data);
    if (Array.isArray(content)) return 'folder';
    return content.type === 'file' ? 'file' : 'link';
  }

  async issue({ owner, name }: RepositoryName, number: number): Promise<Issue> {
    const { data } = await this.#octokit.rest.issues.get({ owner, repo: name, issue_number: number });
    return parsed(issueSchema, data);
  }

  /** The newest comments of `total`, oldest first: those of the last two pages at most. */
  async newestComments({ owner, name }: RepositoryName, number: number, total: number): Promise<readonly Comment[]> {
    const lastPage = Math.ceil(total / PageSize);
    const comments: Comment[] = [];
    for (let page = Math.max(1, lastPage - 1); page <= lastPage; page += 1) {
      const about = { owner, repo: name, issue_number: number };
      const { data } = await this.#octokit.rest.issues.listComments({ ...about, page, per_page: PageSize });
      comments.push(...parsed(z.array(commentSchema), data));
    }
    return comments;
  }

  /** Every pull request from this branch of the repository, open, closed and merged, the newest first. */
  async pullsFrom({ owner, name }: RepositoryName, branch: string): Promise<readonly Pull[]> {
    const head = `${owner}:${branch}`;
    const query = { owner, repo: name, head, state: 'all', per_page: PageSize } as const;
    const data = await this.#octokit.paginate(this.#octokit.rest.pulls.list, query);
    // GitHub ignores a `head` that it does not understand and then lists everything.
    return parsed(z.array(pullSchema), data)
      .filter((pull) => pull.head.ref === branch && pull.head.repo?.id === pull.base.repo.id)
      .sort((a, b) => b.number - a.number);
  }

  async createPull({ owner, name }: RepositoryName, pull: NewPull): Promise<Pull> {
    const { data } = await this.#octokit.rest.pulls.create({ owner, repo: name, ...pull });
    return parsed(pullSchema, data);
  }
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'not-found') return null;
    throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new ForgeError('invalid', 'the answer is not one of GitHub’s', 'check GITHUB_API_URL', null, {
    cause: result.error,
  });
}

/** A pull request's state: GitHub itself calls a merged one closed. */
export const stateOf = (pull: Pull): 'open' | 'closed' | 'merged' =>
  pull.state === 'open' ? 'open' : typeof pull.merged_at === 'string' ? 'merged' : 'closed';
