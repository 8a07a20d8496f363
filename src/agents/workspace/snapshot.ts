import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import { GitError, type GitOptions, git } from '../git.ts';
import { readHead } from './clone-head.ts';
import { commitTree, reword, type Signature } from './commit.ts';
import {
  type Droppings,
  filesIn,
  findDroppings,
  type IndexFile,
  isGitlink,
  undoDroppings,
  writeIndex,
} from './droppings.ts';
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
  readonly droppings: Droppings;
  readonly signal: AbortSignal;
}

/** The commit is pushed from `publishDir`. */
export interface SnapshotRequest extends WorkRequest, Signature {}

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

/** What has changed in the clone since `commit` was made of it, whose objects are in the repository `from`. */
export async function newSince(
  request: WorkRequest,
  commit: CommitId,
  from: string,
  prefix: string,
): Promise<Droppings> {
  const { options: index } = await stage(request, await importWork(request));
  const tree = await line(['write-tree'], index);
  const env = await borrowObjects(from, request.scratch);
  return findDroppings(commit, tree, prefix, { ...inPublish(request), env });
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
  readonly files: readonly IndexFile[];
  /** Repositories of the agent's own. */
  readonly nested: readonly IndexFile[];
}

/** The tree of the agent's work. */
async function writeTree(request: WorkRequest, head: CommitId): Promise<string> {
  const { options, files, nested } = await stage(request, head);
  const work = await undoDroppings(request.droppings, files, options);
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
  const except = (await filesIn(options)).filter(isLink).map(({ path }) => `:(exclude,top,literal)${path}`);
  const excludes = `core.excludesFile=${join(clone, '.git', 'info', 'exclude')}`;
  await git(['-c', excludes, 'add', '--all', '--', '.', ...except], options);
  return { options, ...(await restoreSubmodules(request, await filesIn(options), options)) };
}

/** Whatever commit the agent has made in a submodule, nobody else could fetch it: each stays as the base has it. */
async function restoreSubmodules(request: WorkRequest, found: readonly IndexFile[], options: GitOptions) {
  const links = found.filter(isLink);
  if (links.length === 0) return { files: found, nested: [] };
  const known = new Map(
    (await gitlinksOf(inPublish(request), request.base)).map(({ path, commit }) => [path, `160000 ${commit}`]),
  );
  const restored = links.map(({ path, content }) => ({ path, content: known.get(path) ?? content }));
  await writeIndex(
    restored.filter(({ content }, i) => content !== links[i]?.content),
    options,
  );
  const nested = restored.filter(({ path }) => !known.has(path));
  return { files: [...found.filter((file) => !isLink(file)), ...restored], nested };
}

const isLink = ({ content }: IndexFile): boolean => isGitlink(content);
