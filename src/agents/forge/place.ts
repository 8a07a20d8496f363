import { type Repository, repositoryText } from '../../protocol/record.ts';
import { GitError, type GitRemote, git } from '../git.ts';
import { WorkspaceError } from '../workspace/errors.ts';
import { defaultBranch } from '../workspace/mirror.ts';
import { ForgeError } from './errors.ts';
import { commitAt } from './git-branches.ts';
import { GitHub } from './github.ts';
import { RepositoryError } from './repository.ts';
import { type Environment, gitHubSettings } from './settings.ts';

/** Where a person wants something done. */
export interface Place {
  readonly repository: Repository;
  /** Null: the default branch. */
  readonly base: string | null;
  /** Null: the whole repository. */
  readonly path: string | null;
}

/**
 * What could be seen of it from here. `hidden`: the forge shows no such repository to this PC, which it says of one
 * that is private too; another PC may have a token or a key for it. `unasked`: nobody can tell now. A reason is one line.
 */
export type Sight = { readonly type: 'there' } | { readonly type: 'hidden' | 'unasked'; readonly reason: string };

const defaultPatienceMs = 10_000;

/**
 * Asks whether there is such a repository, branch and folder, as far as that is cheap: a folder on a plain git server
 * is not looked for. `patienceMs` is for all of it.
 * @throws RepositoryError `not-there`: whoever sees the repository would not find it there.
 */
export async function checkPlace(env: Environment, place: Place, patienceMs = defaultPatienceMs): Promise<Sight> {
  const { repository } = place;
  const signal = AbortSignal.timeout(patienceMs);
  try {
    if (repository.type === 'github') await checkGitHub(env, repository, place, signal);
    else await checkGit(repository, place, signal);
    return { type: 'there' };
  } catch (error) {
    const sight = sightAfter(error, env, place);
    if (!signal.aborted) return sight;
    return { type: 'unasked', reason: `${askedOf(repository)} did not answer in ${patienceMs / 1_000} s` };
  }
}

type GitHubRepository = Extract<Repository, { type: 'github' }>;

async function checkGitHub(
  env: Environment,
  asked: GitHubRepository,
  { base, path }: Place,
  signal: AbortSignal,
): Promise<void> {
  // Nothing depends on the answer so much that it would be asked for twice.
  const github = new GitHub(gitHubSettings(env), { pausesMs: [], signal });
  const { owner, name } = await github.repository(asked);
  const present = { owner: owner.login, name };
  if (base !== null && !(await github.hasBranch(present, base))) throw noBranch(`${asked.owner}/${asked.name}`, base);
  if (path === null) return;
  const kind = await github.kindOf(present, path, base);
  if (kind === null || kind === 'file') throw noFolder(`${asked.owner}/${asked.name}`, path);
}

async function checkGit(
  repository: Exclude<Repository, GitHubRepository>,
  { base, path }: Place,
  signal: AbortSignal,
): Promise<void> {
  const url = repository.type === 'git' ? repository.url : repository.path;
  const remote: GitRemote = { url, authorization: null };
  const branch = base ?? (await defaultBranch(remote, signal));
  if (base !== null && (await commitAt(remote, base, signal)) === null) throw noBranch(url, base);
  if (repository.type === 'git' || path === null) return;
  const { stdout } = await git(['ls-tree', '--full-tree', `refs/heads/${branch}`, '--', path], { cwd: url, signal });
  // A link may lead to a folder.
  if (!/^(040000|120000) /.test(stdout)) throw noFolder(url, path);
}

function sightAfter(error: unknown, env: Environment, { repository }: Place): Sight {
  if (error instanceof WorkspaceError) throw notThere(error.message);
  if (!(error instanceof GitError || error instanceof ForgeError)) throw error;
  const { code, message } = error;
  if (code !== 'not-found') return { type: 'unasked', reason: message };
  if (repository.type === 'git') {
    return { type: 'hidden', reason: `${repository.url} shows no repository: check --repo` };
  }
  // The peer may have a token though the person's shell has none.
  const isHidden = repository.type === 'github' && gitHubSettings(env).token !== null;
  return { type: isHidden ? 'hidden' : 'unasked', reason: message };
}

const askedOf = (repository: Repository): string =>
  repository.type === 'github' ? 'GitHub' : repositoryText(repository);

const notThere = (message: string): RepositoryError => new RepositoryError('not-there', message);
const noBranch = (repository: string, base: string): RepositoryError =>
  notThere(`${repository} has no branch ${base}: check --base`);
const noFolder = (repository: string, path: string): RepositoryError =>
  notThere(`${repository} has no folder ${path}: check --path`);
