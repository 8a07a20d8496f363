import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import { GitError, type GitOptions, git } from '../git.ts';
import { readHead } from './clone-head.ts';
import { commitTree, reword, type Signature } from './commit.ts';
import { WorkspaceError } from './errors.ts';
import { initBare } from './mirror.ts';
import { borrowObjects } from './objects.ts';
import { gitlinksOf } from './submodules.ts';

/** Where an agent has worked. */
export interface WorkRequest {
  readonly clone: string;
  /** The bare repository to make. */
  readonly publishDir: string;
  readonly mirrorDir: string;
  /** A folder that only the peer uses, for an index and packs on their way. */
  readonly scratch: string;
  readonly base: CommitId;
  /** Files that lie in the clone and are no work, as long as they are as they were. */
  readonly droppings: readonly Dropping[];
  readonly signal: AbortSignal;
}

/** The commit is pushed from `publishDir`. */
export interface SnapshotRequest extends WorkRequest, Signature {}

/** A file that was left by something else than the agent. */
export interface Dropping {
  readonly path: string;
  /** Its mode and object id. */
  readonly content: string;
}

/**
 * Turns what the agent left in its clone into one commit in a bare repository that the agent has never seen. The tip carries the
 * trailers `Mesh-Task` and `Mesh-Attempt`. Null where nothing differs from the base.
 *
 * The clone is hostile: its hooks, its configuration (filters, fsmonitor, rewrites of URLs, `upload-pack` of a promisor) could run
 * a program in the peer's name. So git never runs *in* the clone. It runs in the peer's own repository, which reads two things of
 * the clone: the files, as its work tree, and the plain files of objects, whose contents are checked on their way in.
 *
 * Throws GitError and WorkspaceError.
 */
export async function takeSnapshot(request: SnapshotRequest): Promise<CommitId | null> {
  const { base } = request;
  const head = await importWork(request);
  const tree = await writeTree(request, head);
  const treeOf = (commit: CommitId): Promise<string> => line(['rev-parse', `${commit}^{tree}`], inPublish(request));
  if (tree === (await treeOf(base))) return null;
  const ownTip = head !== base && tree === (await treeOf(head));
  return ownTip ? reword(request, head, inPublish(request)) : commitTree(request, tree, head, inPublish(request));
}

/** The trees of the base, and of what lies in the clone. */
export async function readTrees(request: WorkRequest): Promise<{ readonly base: string; readonly work: string }> {
  const work = await writeTree(request, await importWork(request));
  return { base: await line(['rev-parse', `${request.base}^{tree}`], inPublish(request)), work };
}

/** The files that have come into the clone since `commit` was made of it, whose objects are in the repository `from`. */
export async function newSince(request: WorkRequest, commit: CommitId, from: string): Promise<readonly Dropping[]> {
  const { options: index } = await stage(request, await importWork(request));
  const tree = await line(['write-tree'], index);
  const options = ['-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--diff-filter=A'];
  const { stdout } = await git(['diff-tree', ...options, commit, tree], {
    ...inPublish(request),
    env: await borrowObjects(from, request.scratch),
  });
  // `:000000 100644 <old> <new> A`, then the path.
  const [...fields] = stdout.split('\0');
  return fields.flatMap((path, i) => {
    const [, mode, , id] = (i % 2 === 1 ? fields[i - 1] : undefined)?.split(' ') ?? [];
    return mode === undefined ? [] : [{ path, content: `${mode} ${id}` }];
  });
}

/**
 * The commit once more, with all that its signature says by now, in a new repository: since it was made, a program has run that
 * may have written to the old one, `from`. Its objects are checked as they are taken over.
 */
export async function retake(request: SnapshotRequest, commit: CommitId, from: string): Promise<CommitId> {
  await begin(request);
  await importCommits(request, commit, from);
  return reword(request, commit, inPublish(request));
}

const inPublish = ({ publishDir, signal }: WorkRequest): GitOptions => ({ gitDir: publishDir, signal });

const line = async (args: readonly string[], options: GitOptions): Promise<string> =>
  (await git(args, options)).stdout.trim();

async function begin({ base, mirrorDir, publishDir }: WorkRequest): Promise<void> {
  await initBare(publishDir, base);
  await writeFile(join(publishDir, 'objects', 'info', 'alternates'), `${join(mirrorDir, 'objects')}\n`);
}

/** The agent's last commit, with all that it stands on. */
async function importWork(request: WorkRequest): Promise<CommitId> {
  const { base, clone } = request;
  await begin(request);
  const head = (await readHead(clone)) ?? base;
  if (head !== base) await importCommits(request, head, join(clone, '.git'));
  return head;
}

/** Copies commits over that somebody else may have written: packed from the object files, then checked one by one as they are unpacked. */
async function importCommits(request: WorkRequest, head: CommitId, gitDir: string): Promise<void> {
  const { base, scratch, signal } = request;
  const prefix = join(scratch, 'import');
  const pack = await line(['pack-objects', '--revs', '--quiet', '--end-of-options', prefix], {
    ...inPublish(request),
    input: `${head}\n^${base}\n`,
    env: await borrowObjects(gitDir, scratch),
  }).catch(asBadResult);
  const inputFile = `${prefix}-${pack}.pack`;
  await git(['index-pack', '--strict', '--stdin'], { ...inPublish(request), inputFile, signal });
  if (!(await isAncestor(request, base, head))) {
    throw new WorkspaceError('bad-result', 'the agent left its branch on a history without the commit it started from');
  }
}

function asBadResult(error: unknown): never {
  if (!(error instanceof GitError && error.code === 'failed')) throw error;
  throw new WorkspaceError('bad-result', `the commits that the agent left cannot be read: ${error.message}`);
}

async function isAncestor(request: WorkRequest, base: CommitId, head: CommitId): Promise<boolean> {
  try {
    await git(['merge-base', '--is-ancestor', base, head], inPublish(request));
    return true;
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return false;
    throw error;
  }
}

interface Staged {
  readonly options: GitOptions;
  readonly files: readonly Dropping[];
  /** Repositories of the agent's own. */
  readonly nested: readonly Dropping[];
}

/** The tree of the agent's work. */
async function writeTree(request: WorkRequest, head: CommitId): Promise<string> {
  const { options, files, nested } = await stage(request, head);
  const work = await withoutDroppings(request.droppings, files, options);
  const added = nested.find((file) => work.includes(file));
  if (added !== undefined) {
    throw new WorkspaceError('bad-result', `the agent left a git repository of its own in \`${added.path}\``);
  }
  return line(['write-tree'], options);
}

/** All that lies in the work tree and is not ignored, in an index. */
async function stage(request: WorkRequest, head: CommitId): Promise<Staged> {
  const { clone, scratch } = request;
  const options: GitOptions = {
    ...inPublish(request),
    cwd: clone,
    env: { GIT_WORK_TREE: clone, GIT_INDEX_FILE: join(scratch, 'index') },
  };
  await git(['read-tree', head], options);
  // To look into a submodule, git would run in it, under a configuration that the agent wrote.
  const except = (await filesIn(options)).filter(isGitlink).map(({ path }) => `:(exclude,top,literal)${path}`);
  const excludes = `core.excludesFile=${join(clone, '.git', 'info', 'exclude')}`;
  await git(['-c', excludes, 'add', '--all', '--', '.', ...except], options);
  return { options, ...(await restoreSubmodules(request, await filesIn(options), options)) };
}

/** Whatever commit the agent has made in a submodule, nobody else could fetch it: each stays as the base has it. */
async function restoreSubmodules(request: WorkRequest, files: readonly Dropping[], options: GitOptions) {
  if (!files.some(isGitlink)) return { files, nested: [] };
  const links = await gitlinksOf(inPublish(request), request.base);
  const known = new Map(links.map(({ path, commit }) => [path, `160000 ${commit}`]));
  const moved = files.filter((file) => isGitlink(file) && (known.get(file.path) ?? file.content) !== file.content);
  const input = moved.map(({ path }) => `${known.get(path)}\t${path}\0`).join('');
  if (input !== '') await git(['update-index', '-z', '--index-info'], { ...options, input });
  const restored = files.map((file) =>
    moved.includes(file) ? { ...file, content: known.get(file.path) ?? '' } : file,
  );
  return { files: restored, nested: restored.filter((file) => isGitlink(file) && !known.has(file.path)) };
}

const isGitlink = ({ content }: Dropping): boolean => content.startsWith('160000 ');

async function filesIn(options: GitOptions): Promise<readonly Dropping[]> {
  const { stdout } = await git(['ls-files', '--stage', '-z'], options);
  return stdout.split('\0').flatMap((entry) => {
    const [, content, path] = /^(\d+ [0-9a-f]+) \d\t(.*)$/s.exec(entry) ?? [];
    return content === undefined || path === undefined ? [] : [{ path, content }];
  });
}

/** Takes them out of the index; one that the agent has written to since is its work. */
async function withoutDroppings(droppings: readonly Dropping[], files: readonly Dropping[], options: GitOptions) {
  const left = new Map(droppings.map(({ path, content }) => [path, content]));
  const isLeft = ({ path, content }: Dropping): boolean => left.get(path) === content;
  const input = files.filter(isLeft).map(({ path }) => `${path}\0`);
  if (input.length === 0) return files;
  await git(['update-index', '--force-remove', '-z', '--stdin'], { ...options, input: input.join('') });
  return files.filter((file) => !isLeft(file));
}
