import { constants } from 'node:fs';
import { lstat, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, commitIdSchema, type TaskId } from '../protocol/ids.ts';
import { GitError, type GitOptions, git } from './git.ts';
import { clip, oneLine } from './lines.ts';
import { initBare, WorkspaceError } from './mirror.ts';

export interface Identity {
  readonly name: string;
  readonly email: string;
}

export interface SnapshotRequest {
  readonly clone: string;
  /** The bare repository to make; the commit is pushed from there. */
  readonly publishDir: string;
  readonly mirrorDir: string;
  /** A folder that only the peer uses, for an index and packs on their way. */
  readonly scratch: string;
  readonly base: CommitId;
  readonly title: string;
  readonly task: TaskId;
  readonly attempt: number;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/**
 * Turns what the agent left in its clone into one commit in a bare repository that the agent has never seen. The tip carries the
 * trailers `Mesh-Task` and `Mesh-Attempt`. Null where nothing differs from the base.
 *
 * The clone is hostile: its hooks, its configuration (filters, fsmonitor, rewrites of URLs, `upload-pack` of a promisor) could run
 * a program in the peer's name. So git never runs *in* the clone. It runs in the peer's own repository, which reads two things of
 * the clone: the files, as its work tree, and the object files, as an alternate whose contents are checked on their way in.
 *
 * Throws GitError and WorkspaceError.
 */
export async function takeSnapshot(request: SnapshotRequest): Promise<CommitId | null> {
  const { base, mirrorDir, publishDir } = request;
  await initBare(publishDir, base);
  await writeFile(join(publishDir, 'objects', 'info', 'alternates'), `${join(mirrorDir, 'objects')}\n`);
  const head = (await readHead(request.clone)) ?? base;
  if (head !== base) await importCommits(request, head);
  const tree = await writeTree(request, head);
  const treeOf = (commit: CommitId): Promise<string> => line(['rev-parse', `${commit}^{tree}`], inPublish(request));
  if (tree === (await treeOf(base))) return null;
  const ownTip = head !== base && tree === (await treeOf(head));
  return ownTip ? rewordTip(request, head) : commitTree(request, tree, head);
}

const inPublish = ({ publishDir, signal }: SnapshotRequest): GitOptions => ({ gitDir: publishDir, signal });

const line = async (args: readonly string[], options: GitOptions): Promise<string> =>
  (await git(args, options)).stdout.trim();

/** The commit that the clone's HEAD names, read as a file; null where it names none. */
export async function readHead(clone: string): Promise<CommitId | null> {
  const gitDir = join(clone, '.git');
  if (!(await lstat(gitDir).catch(() => null))?.isDirectory()) return null;
  const head = (await readText(join(gitDir, 'HEAD'))).trim();
  const ref = /^ref: (refs\/heads\/[\w./@+-]+)$/.exec(head)?.[1];
  if (ref === undefined) return commitOrNull(head);
  if (ref.split('/').includes('..')) return null;
  const loose = commitOrNull((await readText(join(gitDir, ref))).trim());
  if (loose !== null) return loose;
  const packed = (await readText(join(gitDir, 'packed-refs'))).split('\n').find((one) => one.endsWith(` ${ref}`));
  return commitOrNull(packed?.split(' ')[0] ?? '');
}

/** Far more than any HEAD or list of refs that matters. */
const maxRefBytes = 4 * 1024 * 1024;

/** A pipe that the agent has put in its place would never end, and a link would lead elsewhere. */
async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch(() => null);
  if (file === null) return '';
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxRefBytes ? await file.readFile('utf8') : '';
  } finally {
    await file.close();
  }
}

function commitOrNull(text: string): CommitId | null {
  const parsed = commitIdSchema.safeParse(text);
  return parsed.success ? parsed.data : null;
}

/** Copies the agent's own commits over: packed from its object files, then checked one by one as they are unpacked. */
async function importCommits(request: SnapshotRequest, head: CommitId): Promise<void> {
  const { base, clone, scratch, signal } = request;
  const prefix = join(scratch, 'import');
  // Quoted, since the variable is a list with `:` between its parts.
  const alternates = JSON.stringify(join(clone, '.git', 'objects'));
  const pack = await line(['pack-objects', '--revs', '--quiet', '--end-of-options', prefix], {
    ...inPublish(request),
    input: `${head}\n^${base}\n`,
    env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternates },
  });
  const inputFile = `${prefix}-${pack}.pack`;
  await git(['index-pack', '--strict', '--stdin'], { ...inPublish(request), inputFile, signal });
  if (!(await isAncestor(request, base, head))) {
    throw new WorkspaceError('bad-result', 'the agent left its branch on a history without the commit it started from');
  }
}

async function isAncestor(request: SnapshotRequest, base: CommitId, head: CommitId): Promise<boolean> {
  try {
    await git(['merge-base', '--is-ancestor', base, head], inPublish(request));
    return true;
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return false;
    throw error;
  }
}

/** The tree of all that lies in the work tree and is not ignored. */
async function writeTree(request: SnapshotRequest, head: CommitId): Promise<string> {
  const { clone, scratch } = request;
  const options: GitOptions = {
    ...inPublish(request),
    cwd: clone,
    env: { GIT_WORK_TREE: clone, GIT_INDEX_FILE: join(scratch, 'index') },
  };
  await git(['read-tree', head], options);
  const submodules = await gitlinks(options);
  // A submodule stays as the commit has it: to look into it, git would run in it, under a configuration that the agent wrote.
  const except = submodules.map((path) => `:(exclude,top,literal)${path}`);
  const excludes = `core.excludesFile=${join(clone, '.git', 'info', 'exclude')}`;
  await git(['-c', excludes, 'add', '--all', '--', '.', ...except], options);
  const added = (await gitlinks(options)).filter((path) => !submodules.includes(path));
  if (added.length > 0) {
    throw new WorkspaceError('bad-result', `the agent left a git repository of its own in \`${added[0]}\``);
  }
  return line(['write-tree'], options);
}

async function gitlinks(options: GitOptions): Promise<readonly string[]> {
  const { stdout } = await git(['ls-files', '--stage', '-z'], options);
  return stdout
    .split('\0')
    .flatMap((entry) => (entry.startsWith('160000 ') ? [entry.slice(entry.indexOf('\t') + 1)] : []));
}

const trailers = ({ task, attempt }: SnapshotRequest): string => `Mesh-Task: ${task}\nMesh-Attempt: ${attempt}\n`;

const committer = ({ identity }: SnapshotRequest): Record<string, string> => ({
  GIT_COMMITTER_NAME: identity.name,
  GIT_COMMITTER_EMAIL: identity.email,
});

async function commitTree(request: SnapshotRequest, tree: string, parent: CommitId): Promise<CommitId> {
  const { identity } = request;
  const commit = await line(['commit-tree', tree, '-p', parent], {
    ...inPublish(request),
    input: `${oneLine(request.title, 200)}\n\n${trailers(request)}`,
    env: { ...committer(request), GIT_AUTHOR_NAME: identity.name, GIT_AUTHOR_EMAIL: identity.email },
  });
  return commitIdSchema.parse(commit);
}

/** The agent has committed everything itself: its last commit again, with our trailers and without any of its own making. */
async function rewordTip(request: SnapshotRequest, head: CommitId): Promise<CommitId> {
  const format = '--format=%an%x00%ae%x00%ad%x00%P%x00%T%x00%B';
  const { stdout } = await git(['log', '-1', '--date=raw', format, head], inPublish(request));
  const [author = '', email = '', date = '', parents = '', tree = '', ...body] = stdout.split('\0');
  const message = body.join('').replaceAll(/^[ \t]*Mesh-(Task|Attempt)[ \t]*:.*$\n?/gim, '');
  const withTrailers = await git(['interpret-trailers', '--no-divider', ...trailerOptions(request)], {
    ...inPublish(request),
    input: `${clip(message.trim() || request.title, 64 * 1024)}\n`,
  });
  const options = parents.split(' ').flatMap((parent) => ['-p', parent]);
  const commit = await line(['commit-tree', tree, ...options], {
    ...inPublish(request),
    input: `${withTrailers.stdout}\n`,
    env: {
      ...committer(request),
      GIT_AUTHOR_NAME: author.trim() || request.identity.name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
    },
  });
  return commitIdSchema.parse(commit);
}

const trailerOptions = (request: SnapshotRequest): readonly string[] =>
  trailers(request)
    .trim()
    .split('\n')
    .flatMap((trailer) => ['--trailer', trailer]);
