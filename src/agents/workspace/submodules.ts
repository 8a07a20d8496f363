import { realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type CommitId, commitIdSchema } from '../../protocol/ids.ts';
import { GitError, type GitOptions, type GitRemote, git, redact } from '../git.ts';
import { WorkspaceError } from './errors.ts';
import type { Borrowed, Mirrors } from './mirror.ts';

/** A repository that another one names as a part of itself, at one commit. */
export interface Submodule {
  /** Of its folder. */
  readonly path: string;
  /** As `.gitmodules` has it; null where that says nothing. */
  readonly url: string | null;
  readonly commit: CommitId;
}

/** What has become of the submodules of a clone: for the agent to know, and to be given back. */
export interface Submodules {
  readonly present: readonly string[];
  readonly missing: readonly { readonly path: string; readonly reason: string }[];
  readonly mirrors: readonly Borrowed[];
}

/** Submodules of submodules, and so on; a repository can name itself. */
const maxDepth = 3;
/** Far more than anybody has; each is a fetch. */
const maxSubmodules = 50;

export interface FillRequest {
  readonly clone: string;
  /** A bare repository that has the commit. */
  readonly gitDir: string;
  readonly commit: CommitId;
  readonly remote: GitRemote;
  readonly mirrors: Mirrors;
  readonly signal: AbortSignal;
}

/**
 * Fills the folders of a clone's submodules, which no agent has touched yet. Each is cloned out of a mirror, as the clone itself
 * was: no hook and no configuration of theirs is heeded. They are read with the peer's login, so only those on the repository's
 * own server are: a repository must not be able to name what this PC is to fetch from elsewhere.
 *
 * One that cannot be had is told of, and the rest goes on; @throws GitError only where the network failed, or `signal` aborted;
 * WorkspaceError only where the disk is full.
 */
export async function fillSubmodules(request: FillRequest): Promise<Submodules> {
  const filled = new Filled();
  try {
    await fill(request, '', maxDepth, filled);
    return filled;
  } catch (error) {
    for (const { release } of filled.mirrors) release();
    throw error;
  }
}

class Filled implements Submodules {
  readonly present: string[] = [];
  readonly missing: { path: string; reason: string }[] = [];
  readonly mirrors: Borrowed[] = [];
}

async function fill(request: FillRequest, below: string, depth: number, filled: Filled): Promise<void> {
  for (const submodule of await submodulesOf(request.gitDir, request.commit, request.signal)) {
    const path = posix.join(below, submodule.path);
    const reason = await fillOne(request, submodule, path, depth, filled).catch(reasonOf);
    if (reason !== null) filled.missing.push({ path, reason });
  }
}

const onNoServer = 'the repository is on no server that it could be taken from';

/** Null, or why it is not there. */
async function fillOne(request: FillRequest, submodule: Submodule, path: string, depth: number, filled: Filled) {
  const { clone, mirrors, signal } = request;
  if (depth === 0 || filled.present.length >= maxSubmodules) return 'there are too many';
  if (submodule.url === null) return '`.gitmodules` does not say where it is';
  const remote = remoteOf(submodule.url, request.remote);
  if (remote === null) return placeOf(request.remote.url) === null ? onNoServer : 'it is on another server';
  const folder = join(clone, submodule.path);
  if ((await realpath(folder)) !== join(await realpath(clone), submodule.path)) return 'a link is in its place';
  const mirror = await mirrors.borrow(remote, signal);
  filled.mirrors.push(mirror);
  await cloneInto(folder, mirror.dir, submodule.commit, remote, signal);
  filled.present.push(path);
  const own = { ...request, clone: folder, gitDir: mirror.dir, commit: submodule.commit, remote };
  await fill(own, path, depth - 1, filled);
  return null;
}

function reasonOf(error: unknown): string {
  // The network may be back for the next try, and another PC has room; whatever else is wrong stays so.
  if (error instanceof GitError && !['network', 'timeout', 'aborted'].includes(error.code)) return error.message;
  if (error instanceof WorkspaceError && error.code !== 'no-space') return error.message;
  throw error;
}

async function cloneInto(folder: string, mirrorDir: string, commit: CommitId, remote: GitRemote, signal: AbortSignal) {
  await git(['cat-file', '-e', `${commit}^{commit}`], { gitDir: mirrorDir, signal });
  await git(['clone', '--quiet', '--shared', '--no-checkout', '--template=', '--', mirrorDir, folder], { signal });
  const own = { cwd: folder, gitDir: join(folder, '.git'), signal };
  await git(['config', 'remote.origin.url', redact(remote.url)], own);
  await git(['checkout', '--quiet', '--detach', commit], own);
}

/** Sorted by path. */
export async function submodulesOf(
  gitDir: string,
  commit: CommitId,
  signal: AbortSignal,
): Promise<readonly Submodule[]> {
  const links = await gitlinksOf({ gitDir, signal }, commit);
  if (links.length === 0) return [];
  const urls = await urlsIn(commit, { gitDir, signal });
  return links.map((link) => ({ ...link, url: urls.get(link.path) ?? null }));
}

/** What the commit names of other repositories, whatever `.gitmodules` says of them. */
export async function gitlinksOf(options: GitOptions, commit: CommitId): Promise<readonly Omit<Submodule, 'url'>[]> {
  const { stdout } = await git(['ls-tree', '-r', '-z', commit], options);
  return stdout.split('\0').flatMap((entry) => {
    const [, id, path] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    return id === undefined || path === undefined ? [] : [{ path, commit: commitIdSchema.parse(id) }];
  });
}

/** Path → URL, of `.gitmodules`. */
async function urlsIn(commit: CommitId, options: GitOptions): Promise<ReadonlyMap<string, string>> {
  const args = ['config', '-z', '--blob', `${commit}:.gitmodules`, '--get-regexp', '^submodule\\..*\\.(path|url)$'];
  const { stdout } = await git(args, options).catch(() => ({ stdout: '' }));
  const named = new Map<string, { path?: string; url?: string }>();
  for (const entry of stdout.split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(entry) ?? [];
    if (name !== undefined && key !== undefined) named.set(name, { ...named.get(name), [key]: value });
  }
  return new Map([...named.values()].flatMap(({ path, url }) => (path && url ? [[path, url]] : [])));
}

/**
 * Where the submodule is, if that is the server that its parent is on; with the parent's login, which is for that server. A parent
 * that is a folder has none: on one PC with it is all that the person has.
 */
export function remoteOf(url: string, parent: GitRemote): GitRemote | null {
  const resolved = /^\.\.?\//.test(url) ? relativeTo(parent.url, url) : url;
  const [from, to] = [placeOf(parent.url), placeOf(resolved)];
  if (from === null || to === null || from.host !== to.host) return null;
  // Whoever reaches the parent by https has a token for that, and perhaps no key for ssh.
  if (from.http !== null && to.http === null) return { ...parent, url: `${from.http}/${to.path}` };
  return from.http === null || from.http === to.http ? { ...parent, url: resolved } : null;
}

interface Place {
  readonly host: string;
  readonly path: string;
  /** `https://host:port`; null for another protocol. */
  readonly http: string | null;
}

/** Null for what is on no server. */
function placeOf(url: string): Place | null {
  const scp = /^(?:[\w.-]+@)?(\w[\w.-]*):(?!\/\/|:)\/?(.+)$/.exec(url);
  if (scp?.[1] !== undefined && scp[2] !== undefined) return { host: scp[1].toLowerCase(), path: scp[2], http: null };
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, pathname, origin } = new URL(url);
  if (!['https:', 'http:', 'ssh:', 'git:'].includes(protocol)) return null;
  const path = pathname.replace(/^\/+/, '');
  return { host: hostname, path, http: protocol.startsWith('http') ? origin : null };
}

/** As git does it: by steps from the parent's own address. */
function relativeTo(parent: string, url: string): string {
  const [, start = '', path = ''] = /^([a-z+]+:\/\/[^/]+\/|(?:[^/]+@)?[^/:]+:)?(.*?)\/*$/i.exec(parent) ?? [];
  return start + posix.normalize(posix.join(path, url)).replace(/^(\.\.\/)+/, '');
}
