import type { Repository } from '../../protocol/record.ts';
import { GitError } from '../git.ts';
import { WorkspaceError } from '../workspace/errors.ts';
import { defaultBranch } from '../workspace/mirror.ts';
import { ForgeError, type ForgeErrorCode } from './errors.ts';
import { GitHub, type RepositoryName } from './github.ts';
import { type Environment, gitHubSettings } from './settings.ts';

export type RepositoryAccess =
  /** `canPush` null: only a push would tell. `defaultBranch` null: it has none yet. */
  | { readonly type: 'reached'; readonly canPush: boolean | null; readonly defaultBranch: string | null }
  | { readonly type: 'refused'; readonly error: ForgeError };

/** What this PC may do with a repository, for a person to know before any work begins. */
export function checkAccess(repository: Repository, env: Environment): Promise<RepositoryAccess> {
  switch (repository.type) {
    case 'github':
      return gitHubAccess(repository, new GitHub(gitHubSettings(env)));
    case 'git':
      return gitAccess(repository.url);
    case 'path':
      return gitAccess(repository.path);
  }
}

export type TokenCheck =
  | { readonly type: 'none' }
  | { readonly type: 'valid'; readonly login: string }
  | { readonly type: 'refused'; readonly error: ForgeError };

/** Whether GitHub takes the token, and whose it is. */
export async function checkToken(env: Environment): Promise<TokenCheck> {
  const settings = gitHubSettings(env);
  if (settings.token === null) return { type: 'none' };
  try {
    return { type: 'valid', login: await new GitHub(settings).login() };
  } catch (error) {
    if (error instanceof ForgeError) return { type: 'refused', error };
    throw error;
  }
}

async function gitHubAccess(name: RepositoryName, github: GitHub): Promise<RepositoryAccess> {
  try {
    const facts = await github.repository(name);
    return { type: 'reached', canPush: facts.permissions?.push ?? false, defaultBranch: facts.default_branch };
  } catch (error) {
    if (error instanceof ForgeError) return { type: 'refused', error };
    throw error;
  }
}

async function gitAccess(url: string): Promise<RepositoryAccess> {
  try {
    return { type: 'reached', canPush: null, defaultBranch: await defaultBranch({ url, authorization: null }) };
  } catch (error) {
    if (error instanceof WorkspaceError) return { type: 'reached', canPush: null, defaultBranch: null };
    if (error instanceof GitError) return { type: 'refused', error: refusal(error, url) };
    throw error;
  }
}

/** git's refusal in a person's words. */
function refusal(error: GitError, url: string): ForgeError {
  const [code, mend] = inWords(error);
  return new ForgeError(code, url, mend, null, { cause: error });
}

function inWords(error: GitError): readonly [ForgeErrorCode, string] {
  switch (error.code) {
    case 'auth':
      return ['unauthorized', 'it wants a login; use its ssh URL with a key in your ssh agent'];
    case 'not-found':
      return ['not-found', 'there is no repository; check the address'];
    case 'network':
    case 'timeout':
      return ['network', 'it cannot be reached; check the address and the network'];
    case 'no-git':
      return ['invalid', 'there is no `git` on this PC; install it'];
    case 'aborted':
    case 'failed':
      return ['invalid', error.message];
  }
}
