import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, commitIdSchema } from '../../protocol/ids.ts';
import { GitError, type GitRemote, git } from '../git.ts';
import { WorkspaceError } from './errors.ts';
import { checkSpace, type FreeBytes, freeBytesOf, historyBytes } from './space.ts';

/** Where the work starts. */
export interface Base {
  readonly branch: string;
  readonly commit: CommitId;
}

/** A bare repository with the remote's branches and tags, lent until `release`: so long it stays what it is. */
export interface Borrowed {
  readonly dir: string;
  readonly release: () => void;
}

export interface Mirror extends Borrowed {
  readonly base: Base;
}

/**
 * A bare copy of every repository that was worked on: `mirrors/<hash of its URL>`. Only fetches write it, one at a
 * time. Clones borrow its objects, so nothing in it is ever collected, and it has no configuration that matters.
 */
export class Mirrors {
  readonly #folder: string;
  readonly #freeBytes: FreeBytes;
  readonly #queues = new Map<string, Promise<unknown>>();
  /** How many borrow from each. */
  readonly #lent = new Map<string, number>();
  /** Mirrors without leftovers of a git that was killed. */
  readonly #tidied = new Set<string>();

  constructor(home: string, freeBytes = freeBytesOf) {
    this.#folder = join(home, 'mirrors');
    this.#freeBytes = freeBytes;
  }

  /** By the last part of its path. */
  named(name: string): string {
    return join(this.#folder, name);
  }

  has(url: string): boolean {
    return existsSync(this.#dir(url));
  }

  /** The mirror, brought up to date. `base` null is the remote's default branch. Throws GitError and WorkspaceError. */
  refresh(remote: GitRemote, base: string | null, signal: AbortSignal): Promise<Mirror> {
    const dir = this.#dir(remote.url);
    return this.#inTurn(dir, async () => {
      signal.throwIfAborted();
      const branch = base ?? (await defaultBranch(remote, signal));
      await this.#bringUpToDate(dir, remote, signal);
      const commit = await tipIn(dir, branch);
      return { dir, base: { branch, commit }, release: this.#lend(dir) };
    });
  }

  /** The mirror, brought up to date, for whoever knows which commit it wants. Throws GitError and WorkspaceError. */
  borrow(remote: GitRemote, signal: AbortSignal): Promise<Borrowed> {
    const dir = this.#dir(remote.url);
    return this.#inTurn(dir, async () => {
      signal.throwIfAborted();
      await this.#bringUpToDate(dir, remote, signal);
      return { dir, release: this.#lend(dir) };
    });
  }

  /** Gives up a mirror that nothing can be cloned from, unless somebody works with what was. */
  discard(url: string): Promise<void> {
    const dir = this.#dir(url);
    return this.#inTurn(dir, async () => {
      if (!this.#isLent(dir)) await rm(dir, { recursive: true, force: true });
    });
  }

  #lend(dir: string): () => void {
    const change = (by: number): void => void this.#lent.set(dir, (this.#lent.get(dir) ?? 0) + by);
    change(1);
    let isBack = false;
    return () => {
      if (!isBack) change(-1);
      isBack = true;
    };
  }

  #isLent(dir: string): boolean {
    return (this.#lent.get(dir) ?? 0) > 0;
  }

  #inTurn<T>(dir: string, action: () => Promise<T>): Promise<T> {
    const result = (this.#queues.get(dir) ?? Promise.resolve()).then(action);
    this.#queues.set(
      dir,
      result.catch(() => {}),
    );
    return result;
  }

  async #bringUpToDate(dir: string, remote: GitRemote, signal: AbortSignal): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await checkSpace(this.#folder, 0, this.#freeBytes);
    if (!existsSync(dir) || !(await this.#update(dir, remote, signal))) await this.#create(dir, remote, signal);
    await checkSpace(this.#folder, await historyBytes(dir), this.#freeBytes);
  }

  /**
   * False where git fails for no reason outside: a power cut may have damaged the mirror, and a new one costs a fetch.
   */
  async #update(dir: string, remote: GitRemote, signal: AbortSignal): Promise<boolean> {
    await this.#tidy(dir);
    try {
      await fetchAll(dir, remote, signal);
      return true;
    } catch (error) {
      this.#tidied.delete(dir);
      if (error instanceof GitError && error.code === 'failed') return false;
      throw error;
    }
  }

  /** A mirror exists only once it is complete: a fetch that was cut off leaves none. */
  async #create(dir: string, remote: GitRemote, signal: AbortSignal): Promise<void> {
    if (this.#isLent(dir)) {
      throw new WorkspaceError(
        'mirror-in-use',
        'the copy of the repository on this PC is damaged, and in use: try later',
      );
    }
    const unfinished = `${dir}.new`;
    await rm(unfinished, { recursive: true, force: true });
    await initBare(unfinished, await anyCommit(remote, signal));
    await fetchAll(unfinished, remote, signal);
    await rm(dir, { recursive: true, force: true });
    await rename(unfinished, dir);
    this.#tidied.add(dir);
  }

  /**
   * Removes what a git that was killed leaves behind. No other process uses this home, so whatever lies there is stale.
   */
  async #tidy(dir: string): Promise<void> {
    if (this.#tidied.has(dir)) return;
    for (const path of await readdir(dir, { recursive: true })) {
      if (/\.lock$|(^|\/)tmp_(pack|idx|obj|rev)_[^/]*$/.test(path)) await rm(join(dir, path), { force: true });
    }
    this.#tidied.add(dir);
  }

  #dir(url: string): string {
    return join(this.#folder, createHash('sha256').update(url).digest('hex').slice(0, 24));
  }
}

/** The branch that the remote's HEAD names. Throws WorkspaceError where there is none. */
export async function defaultBranch(remote: GitRemote, signal: AbortSignal): Promise<string> {
  const { stdout } = await git(['ls-remote', '--symref', '--', remote.url, 'HEAD', 'refs/heads/*'], { remote, signal });
  const branch = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(stdout)?.[1];
  if (branch !== undefined && stdout.includes(`\trefs/heads/${branch}`)) return branch;
  if (!stdout.includes('\trefs/heads/')) throw emptyRepository();
  throw new WorkspaceError('no-default-branch', 'the repository has no default branch: name one with --base');
}

const AllRefs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];

/** A bare repository for commits like this one: ids come in two lengths, and a repository holds one. */
export async function initBare(dir: string, like: CommitId): Promise<void> {
  const format = like.length === 64 ? 'sha256' : 'sha1';
  await git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, '--', dir]);
}

async function anyCommit(remote: GitRemote, signal: AbortSignal): Promise<CommitId> {
  const { stdout } = await git(['ls-remote', '--heads', '--', remote.url], { remote, signal });
  const first = commitIdSchema.safeParse(stdout.split('\t')[0]);
  if (!first.success) throw emptyRepository();
  return first.data;
}

const emptyRepository = (): WorkspaceError =>
  new WorkspaceError('empty-repository', 'the repository is empty: push a first commit to it');

async function fetchAll(dir: string, remote: GitRemote, signal: AbortSignal): Promise<void> {
  const options = ['--quiet', '--prune', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  await git(['fetch', ...options, '--', remote.url, ...AllRefs], {
    gitDir: dir,
    remote,
    signal,
    timeoutMs: 60 * 60_000,
  });
}

async function tipIn(dir: string, branch: string): Promise<CommitId> {
  const { stdout } = await git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads/'], { gitDir: dir });
  if (stdout === '') throw emptyRepository();
  const line = stdout.split('\n').find((one) => one.endsWith(` refs/heads/${branch}`));
  if (line === undefined) throw new WorkspaceError('no-such-branch', `the repository has no branch \`${branch}\``);
  return commitIdSchema.parse(line.slice(0, line.indexOf(' ')));
}
