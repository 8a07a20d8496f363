import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { answerGit, type GitRight, gitRequestOf, isGitUrl, listenLocally } from '../git-server.ts';
import { Description, type Matched } from './description.ts';
import { type FakeIssue, type FakeRepository, type FakeToken, type PullState, RepositoryState } from './model.ts';
import { type Answer, operations, refusal, sameName, Writes } from './operations.ts';
import { Shapes } from './shapes.ts';

export interface FakeGitHubOptions {
  readonly repositories: readonly FakeRepository[];
  /** A string is a token that may do everything. */
  readonly tokens: readonly (string | FakeToken)[];
}

/** What happens to one request instead of, or before, its ordinary answer. */
export type Incident =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection breaks before, or after, what was asked for is done. */
  | { readonly type: 'lost-request' }
  | { readonly type: 'lost-answer' }
  /** Something else happens first. */
  | { readonly type: 'first'; readonly run: () => void };

export interface LoggedRequest {
  /** An operation's name in GitHub's description, or `git`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly login: string | null;
}

const apiRoot = '/api/v3';

/**
 * A GitHub of one process over real http: the REST API at `apiUrl`, checked against GitHub's own description in both
 * directions, and real git at `serverUrl`.
 */
export async function startFakeGitHub(options: FakeGitHubOptions): Promise<FakeGitHub> {
  const description = await Description.load();
  const github = new FakeGitHub(options, description);
  await github.listen();
  return github;
}

export class FakeGitHub implements AsyncDisposable {
  readonly requests: LoggedRequest[] = [];
  readonly #description: Description;
  readonly #repositories: readonly RepositoryState[];
  readonly #tokens: readonly FakeToken[];
  readonly #violations: string[] = [];
  readonly #incidents: { readonly operation: string; readonly incident: Incident }[] = [];
  #close: () => Promise<void> = async () => {};
  /** GITHUB_API_URL and GITHUB_SERVER_URL. */
  apiUrl = '';
  serverUrl = '';

  constructor({ repositories, tokens }: FakeGitHubOptions, description: Description) {
    this.#description = description;
    this.#repositories = repositories.map((repository) => new RepositoryState(repository));
    this.#tokens = tokens.map((token) =>
      typeof token === 'string' ? { token, login: 'mesh-bot', rights: 'write' } : token,
    );
  }

  async listen(): Promise<void> {
    const server = await listenLocally((request, response) => this.#answer(request, response));
    this.serverUrl = server.origin;
    this.apiUrl = `${server.origin}${apiRoot}`;
    this.#close = server.close;
  }

  /** Throws where a request or an answer was not as GitHub describes it. */
  async close(): Promise<void> {
    await this.#close();
    if (this.#violations.length > 0) throw new Error(`not as GitHub describes it:\n${this.#violations.join('\n')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What was not as GitHub describes it, up to now. */
  violations(): readonly string[] {
    return [...this.#violations];
  }

  /** Every pull request, in the order they were opened. `slug` is needed only where there are several repositories. */
  pulls(slug?: string): readonly Readonly<PullState>[] {
    const repository = this.#repository(slug);
    repository.followBranches();
    return repository.pulls.map((pull) => ({ ...pull }));
  }

  closePull(number: number, slug?: string): void {
    this.#repository(slug).pull(number).state = 'closed';
  }

  mergePull(number: number, slug?: string): void {
    this.#repository(slug).merge(number);
  }

  /** As a person opens one, by hand. */
  openPull(pull: { readonly title: string; readonly head: string; readonly base: string }, slug?: string): number {
    return this.#repository(slug).openPull({ ...pull, body: null, author: 'octocat', draft: false }).number;
  }

  removeBranch(branch: string, slug?: string): void {
    this.#repository(slug).removeBranch(branch);
  }

  addIssue(issue: FakeIssue, slug?: string): void {
    this.#repository(slug).addIssue(issue);
  }

  /** What happens to the next request for an operation (`pulls/create`, …, `git`) that has nothing planned yet. */
  plan(operation: string, incident: Incident): void {
    this.#incidents.push({ operation, incident });
  }

  #repository(slug?: string): RepositoryState {
    const found = this.#repositories.find((one) => slug === undefined || sameName(slug, one.slug));
    if (found === undefined) throw new Error(`there is no repository ${slug ?? ''}`);
    return found;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isGitUrl(request.url ?? '')) return this.#answerGit(request, response);
    const answer = await this.#answerApi(request);
    if (answer === 'lost') return void request.socket.destroy();
    const { status, body, headers } = answer;
    const type = body === null ? {} : { 'content-type': 'application/json; charset=utf-8' };
    response.writeHead(status, { ...type, ...headers }).end(body === null ? undefined : JSON.stringify(body));
    await once(response, 'close');
  }

  async #answerApi(request: IncomingMessage): Promise<Answer | 'lost'> {
    const url = new URL(request.url ?? '', this.serverUrl);
    const method = request.method ?? 'GET';
    const body = await bodyOf(request);
    const token = this.#tokenOf(request.headers.authorization);
    const matched = this.#match(request, url, body);
    const operation = matched?.operation ?? 'unknown';
    this.requests.push({ operation, method, path: url.pathname + url.search, login: token?.login ?? null });
    const incident = this.#takeIncident(operation);
    if (incident?.type === 'answer')
      return { ...refusal(incident.status, incident.message ?? 'As planned'), ...only(incident) };
    if (incident?.type === 'lost-request') return 'lost';
    if (incident?.type === 'first') incident.run();
    if (matched === null)
      return this.#violated(`${method} ${url.pathname}`, ['no such operation'], refusal(404, 'Not Found'));
    if (token === undefined) return refusal(401, 'Bad credentials');
    const answer = this.#perform(matched, body, token, url);
    const faults = this.#description.faultsOf(operation, answer.status, answer.body);
    if (faults.length > 0) this.#violated(`the answer of ${operation}`, faults, answer);
    return incident?.type === 'lost-answer' ? 'lost' : answer;
  }

  #match(request: IncomingMessage, url: URL, body: unknown): Matched | null {
    if (!url.pathname.startsWith(`${apiRoot}/`)) return null;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const path = url.pathname.slice(apiRoot.length);
    const method = (request.method ?? 'GET').toLowerCase();
    return this.#description.match({ method, path, query: url.search.slice(1), headers, body });
  }

  #perform({ operation, params, query, faults }: Matched, body: unknown, token: FakeToken | null, url: URL): Answer {
    if (faults.length > 0)
      return this.#violated(`the request for ${operation}`, faults, refusal(422, faults.join('; ')));
    const shapes = new Shapes(this.#description, this.apiUrl, this.serverUrl);
    if (operation === 'users/get-authenticated') {
      return token === null ? refusal(401, 'Requires authentication') : { status: 200, body: shapes.viewer(token) };
    }
    const slug = `${params.owner}/${params.repo}`;
    const repository = this.#repositories.find((one) => sameName(slug, one.slug));
    const perform = operations[operation];
    if (repository === undefined || (repository.isPrivate && token === null)) return refusal(404, 'Not Found');
    if (perform === undefined) return refusal(500, `the fake does not do ${operation}`);
    if (Writes.has(operation) && token === null) return refusal(401, 'Requires authentication');
    if (Writes.has(operation) && token?.rights !== 'write') {
      return refusal(403, 'Resource not accessible by personal access token');
    }
    repository.followBranches();
    return perform({ params, query, body: asFields(body), token, url, shapes, repository });
  }

  /** Undefined: a token that nobody has. */
  #tokenOf(authorization: string | undefined): FakeToken | null | undefined {
    if (authorization === undefined) return null;
    const given = authorization.slice(authorization.indexOf(' ') + 1);
    return this.#tokens.find(({ token }) => token === given);
  }

  async #answerGit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { repository: slug, token: given } = gitRequestOf(request);
    const token = this.#tokens.find((one) => one.token === given);
    this.requests.push({
      operation: 'git',
      method: request.method ?? '',
      path: request.url ?? '',
      login: token?.login ?? null,
    });
    const incident = this.#takeIncident('git');
    if (incident?.type === 'answer') return void response.writeHead(incident.status, incident.headers).end();
    if (incident?.type === 'lost-request') return void request.socket.destroy();
    if (incident?.type === 'first') incident.run();
    const repository = this.#repositories.find((one) => sameName(slug, one.slug));
    const isPush = (request.url ?? '').includes('git-receive-pack');
    const right = gitRight(repository, given === null ? null : token, isPush);
    await answerGit(request, response, repository?.gitDir ?? '', right);
  }

  #takeIncident(operation: string): Incident | null {
    const index = this.#incidents.findIndex((one) => one.operation === operation);
    const [taken] = index < 0 ? [] : this.#incidents.splice(index, 1);
    return taken?.incident ?? null;
  }

  #violated(where: string, faults: readonly string[], answer: Answer): Answer {
    this.#violations.push(`${where}: ${faults.join('; ')}`);
    return answer;
  }
}

/** GitHub asks for a login where one might help. */
function gitRight(
  repository: RepositoryState | undefined,
  token: FakeToken | null | undefined,
  isPush: boolean,
): GitRight {
  if (token === undefined) return 'login-needed';
  if (token === null) return repository === undefined || repository.isPrivate || isPush ? 'login-needed' : 'read';
  return repository === undefined ? 'hidden' : token.rights;
}

const only = ({ headers }: Extract<Incident, { type: 'answer' }>): Pick<Answer, 'headers'> =>
  headers === undefined ? {} : { headers };

const asFields = (body: unknown): Readonly<Record<string, unknown>> =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : {};

/** Undefined where there is none. */
const bodyOf = (request: IncomingMessage): Promise<unknown> =>
  request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined
    ? Promise.resolve(undefined)
    : json(request);
