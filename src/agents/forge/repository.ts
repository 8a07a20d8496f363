import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostId } from '../../protocol/ids.ts';
import type { Repository } from '../../protocol/record.ts';
import { GitError, git } from '../git.ts';
import { type Environment, gitHubSettings } from './settings.ts';

export type RepositoryErrorCode =
  | 'not-a-repository'
  /** The URL holds a password or token, which would travel to every peer. */
  | 'secret-in-url'
  | 'no-origin'
  /** The repository, its branch or its folder. */
  | 'not-there'
  | 'not-an-issue'
  | 'not-usable';

/** A repository or issue that a person named and that is none. The message is one line that ends with the mend. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError';
  readonly code: RepositoryErrorCode;

  constructor(code: RepositoryErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the words of a person are read against. */
export interface Here {
  readonly cwd: string;
  readonly host: HostId;
  /** Says which GitHub is meant: GITHUB_SERVER_URL. */
  readonly env: Environment;
}

const Slug = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})\/[A-Za-z0-9._-]{1,100}$/;
const ScpLike = /^(?:[\w.-]+@)?(?<host>\w[\w.-]*):(?!\/\/|:)(?<path>\S+)$/;
const Protocols = new Set(['https:', 'http:', 'ssh:', 'git:']);

/**
 * Reads `owner/name`, a URL of GitHub or of any git server, or the path of a repository on this PC. Something like
 * `a/b` is GitHub's: a folder is said as `./a/b`. Throws RepositoryError.
 */
export async function parseRepository(text: string, here: Here): Promise<Repository> {
  const said = text.trim();
  if (/^file:\/\//i.test(said)) return pathRepository(fileURLToPath(said), here);
  if (/^[a-z][a-z+.-]*:\/\//i.test(said)) return urlRepository(said, here);
  if (isPath(said)) return pathRepository(said, here);
  if (Slug.test(said)) return gitHubRepository(said) ?? notOne(said);
  const scp = ScpLike.exec(said)?.groups;
  if (scp !== undefined) return onServer(scp.host ?? '', scp.path ?? '', said, here);
  return said !== '' && isFolder(resolve(here.cwd, said)) ? pathRepository(said, here) : notOne(said);
}

const isPath = (text: string): boolean => /^(?:\.{1,2}(?:\/|$)|\/|~(?:\/|$))/.test(text);

function notOne(text: string): never {
  const mend = 'give owner/name, a URL, or the path of a git repository';
  throw new RepositoryError('not-a-repository', `"${text.slice(0, 200)}" is no repository: ${mend}`);
}

function gitHubRepository(path: string): Repository | null {
  const [owner = '', rest = ''] = path.split('/');
  const name = rest.replace(/\.git$/, '');
  return Slug.test(`${owner}/${name}`) && !/^\.{1,2}$/.test(name) ? { type: 'github', owner, name } : null;
}

function urlRepository(text: string, here: Here): Repository {
  if (!URL.canParse(text)) return notOne(text);
  const url = new URL(text);
  if (!Protocols.has(url.protocol)) return notOne(text);
  const isHttp = url.protocol.startsWith('http');
  if (url.password !== '' || (isHttp && url.username !== '')) {
    const mend = 'leave it out, and set GITHUB_TOKEN or use an ssh key';
    throw new RepositoryError(
      'secret-in-url',
      `the URL of ${url.host} holds a login, which every peer would see: ${mend}`,
    );
  }
  // The port tells two http servers apart; ssh has another on the same server.
  return onServer(isHttp ? url.host : url.hostname, url.pathname, text, here);
}

/** The same repository by http and by ssh is one: GitHub's is known by its host. */
function onServer(host: string, path: string, text: string, { env }: Here): Repository {
  if (!isGitHub(host.toLowerCase(), /^https?:/i.test(text), env)) return { type: 'git', url: text };
  const below = path.replace(/^\/+|\/+$/g, '').split('/');
  return gitHubRepository(below.slice(0, 2).join('/')) ?? notOne(text);
}

function isGitHub(host: string, isHttp: boolean, env: Environment): boolean {
  const { serverUrl } = gitHubSettings(env);
  if (!URL.canParse(serverUrl)) return false;
  const server = new URL(serverUrl);
  const known = isHttp ? [server.host, `www.${server.host}`] : [server.hostname, `ssh.${server.hostname}`];
  return known.includes(host);
}

async function pathRepository(text: string, { cwd, host }: Here): Promise<Repository> {
  const folder = resolve(cwd, text.replace(/^~(?=\/|$)/, homedir()));
  if (!isFolder(folder)) throw new RepositoryError('not-a-repository', `there is no folder ${folder}: check --repo`);
  return { type: 'path', path: await rootOf(folder), host };
}

/** Where the repository is that the folder belongs to: its top folder, or the bare repository itself. */
async function rootOf(folder: string): Promise<string> {
  const said = await tryGit(['rev-parse', '--is-bare-repository', '--absolute-git-dir'], folder);
  if (said === null) {
    throw new RepositoryError(
      'not-a-repository',
      `${folder} is no git repository: run \`git init\` there, or check --repo`,
    );
  }
  const [isBare, gitDir = ''] = said.split('\n');
  if (isBare === 'true') return gitDir;
  return (await tryGit(['rev-parse', '--show-toplevel'], folder)) ?? gitDir;
}

/** The repository that the folder was cloned from. Throws RepositoryError. */
export async function originOf(folder: string, here: Omit<Here, 'cwd'>): Promise<Repository> {
  const origin = await tryGit(['config', '--get', 'remote.origin.url'], folder);
  if (origin === null || origin === '') {
    throw new RepositoryError('no-origin', `${folder} is no clone with an origin: say which repository with --repo`);
  }
  const cwd = (await tryGit(['rev-parse', '--show-toplevel'], folder)) ?? folder;
  // git itself takes `a/b` as a folder, never as GitHub's.
  const isLocal = Slug.test(origin) && isFolder(resolve(cwd, origin));
  return parseRepository(isLocal ? `./${origin}` : withoutLogin(origin), { ...here, cwd });
}

/** A clone's origin may hold a token, put there by a tool: the repository is meant, not the token. */
const withoutLogin = (url: string): string => url.replace(/^(https?:\/\/)[^/@]+@/i, '$1');

/** Null where git says no. */
async function tryGit(args: readonly string[], cwd: string): Promise<string | null> {
  try {
    return (await git(args, { cwd })).stdout.trim();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (error.code === 'no-git') throw new RepositoryError('not-usable', 'there is no `git` on this PC: install it');
    if (/dubious ownership/.test(error.stderr)) {
      throw new RepositoryError('not-usable', `${cwd} belongs to somebody else: git works in your own folders only`);
    }
    return null;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

export interface IssueReference {
  readonly number: number;
  /** Null where only a number was given. */
  readonly repository: Extract<Repository, { type: 'github' }> | null;
}

/** Reads `7`, `#7`, `owner/name#7`, or the URL of an issue on the GitHub in use. Throws RepositoryError. */
export function parseIssue(text: string, env: Environment): IssueReference {
  const said = text.trim();
  const url = URL.canParse(said) ? new URL(said) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return issueAt(url, env);
  const [, owner, name, digits = ''] = /^(?:([A-Za-z0-9-]{1,99})\/([\w.-]{1,100}))?#?(\d{1,9})$/.exec(said) ?? [];
  const number = Number(digits);
  if (number < 1 || (owner !== undefined && !said.includes('#'))) return noIssue(said);
  const repository = owner === undefined || name === undefined ? null : ({ type: 'github', owner, name } as const);
  return { number, repository };
}

function issueAt(url: URL, env: Environment): IssueReference {
  const { serverUrl } = gitHubSettings(env);
  if (!URL.canParse(serverUrl) || url.host !== new URL(serverUrl).host) {
    const mend = `only ${serverUrl} is known here; set GITHUB_SERVER_URL and GITHUB_API_URL for another`;
    throw new RepositoryError('not-an-issue', `${url.host} is not the GitHub in use: ${mend}`);
  }
  const [, owner, name, kind, number] =
    /^\/([\w-]+)\/([\w.-]+)\/(issues|pull)\/([1-9]\d{0,8})\/?$/.exec(url.pathname) ?? [];
  if (owner === undefined || name === undefined) return noIssue(url.href);
  if (kind === 'pull') {
    throw new RepositoryError('not-an-issue', `${url.href} is a pull request: give the URL of an issue`);
  }
  return { number: Number(number), repository: { type: 'github', owner, name } };
}

function noIssue(text: string): never {
  throw new RepositoryError('not-an-issue', `"${text.slice(0, 200)}" is no issue: give a number or an issue's URL`);
}
