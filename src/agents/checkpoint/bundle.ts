import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, commitIdSchema } from '../../protocol/ids.ts';
import { GitError, type GitOptions, git } from '../git.ts';
import { WorkspaceError } from '../workspace/errors.ts';
import { initBare } from '../workspace/mirror.ts';

/** A checkpoint's bytes are a git bundle: the work and, as the tree of a second commit, the executor's session. */
export const workRef = 'refs/mesh/work';
const sessionRef = 'refs/mesh/session';

export interface PackRequest {
  /** A bare repository of the peer's that has `commit`. */
  readonly gitDir: string;
  readonly base: CommitId;
  /** Equal to `base` where no file has changed yet. */
  readonly commit: CommitId;
  /** Of `commitSession`, before `commit` was taken of the clone; null where there is none. */
  readonly session: CommitId | null;
  /** The file to write. */
  readonly file: string;
  /** What it may have. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Packed {
  readonly hasSession: boolean;
  /** There is one, and it was left out: with it, the whole would be larger than it may be, by so many bytes in all. */
  readonly leftOutBytes: number | null;
  /** Equal where the work's files and the session are. */
  readonly content: string;
  /** Equal where the work's files are. */
  readonly tree: string;
}

/** Writes the bundle, and says what is in it. Null where there is nothing to save. */
export async function packCheckpoint(request: PackRequest): Promise<Packed | null> {
  const { gitDir, base, commit, session, maxBytes, signal } = request;
  const refs: string[] = [];
  for (const [ref, id] of [[workRef, commit === base ? null : commit] as const, [sessionRef, session] as const]) {
    if (id === null) continue;
    await git(['update-ref', ref, id], { gitDir, signal });
    refs.push(ref);
  }
  if (refs.length === 0) return null;
  const bytes = await bundle(request, refs);
  const contents = await contentsOf(gitDir, commit, session, signal);
  if (bytes <= maxBytes || session === null || commit === base) {
    return { hasSession: session !== null, leftOutBytes: null, ...contents };
  }
  // The agent that goes on finds the work, and has to read it again.
  await bundle(request, [workRef]);
  return { hasSession: false, leftOutBytes: bytes, ...contents };
}

async function bundle({ gitDir, base, file, signal }: PackRequest, refs: readonly string[]): Promise<number> {
  await git(['bundle', 'create', '--quiet', file, ...refs, `^${base}`], { gitDir, signal });
  return (await stat(file)).size;
}

async function contentsOf(gitDir: string, commit: CommitId, session: string | null, signal: AbortSignal) {
  const { stdout: tree } = await git(['rev-parse', `${commit}^{tree}`], { gitDir, signal });
  return { tree, content: `${tree} ${session}` };
}

export interface SessionRequest {
  /** A bare repository of the peer's, made where there is none. */
  readonly gitDir: string;
  readonly base: CommitId;
  /** The executor's own files. */
  readonly sessionDir: string;
  /** A folder of the peer's for an index. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * The session's files as a commit without a past; the same files make the same commit. Null where there are none. Links
 * and repositories stay behind: unpacked, they could lead whoever writes through them out of the folder.
 *
 * To be taken before the work: an agent that finds more done than it remembers does it again, one that remembers more
 * than is there relies on it.
 */
export async function commitSession(request: SessionRequest): Promise<CommitId | null> {
  await initBare(request.gitDir, request.base);
  await takeAsItIs(request.gitDir);
  try {
    return await commitFiles(request);
  } finally {
    // The work's own attributes count for the work.
    await rm(attributesIn(request.gitDir), { force: true });
  }
}

async function commitFiles({ gitDir, sessionDir, scratch, signal }: SessionRequest): Promise<CommitId | null> {
  const options: GitOptions = {
    gitDir,
    cwd: sessionDir,
    signal,
    env: { GIT_WORK_TREE: sessionDir, GIT_INDEX_FILE: join(scratch, 'session-index'), ...someone },
  };
  await rm(join(scratch, 'session-index'), { force: true });
  await git(['add', '--all', '--force', '--', '.'], options);
  const { stdout } = await git(['ls-files', '--stage', '-z'], options);
  const entries = stdout.split('\0').filter((entry) => entry !== '');
  const others = entries.filter((entry) => !plainFile.test(entry));
  if (others.length === entries.length) return null;
  const input = others.map((entry) => `${entry.slice(entry.indexOf('\t') + 1)}\0`).join('');
  if (input !== '') await git(['update-index', '--force-remove', '-z', '--stdin'], { ...options, input });
  const tree = (await git(['write-tree'], options)).stdout;
  return commitIdSchema.parse((await git(['commit-tree', tree], { ...options, input: 'session\n' })).stdout);
}

const plainFile = /^100(644|755) /;

const attributesIn = (gitDir: string): string => join(gitDir, 'info', 'attributes');

/** Above any `.gitattributes` among the files, which could have their bytes changed on the way in and out. */
async function takeAsItIs(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'info'), { recursive: true });
  await writeFile(attributesIn(gitDir), '* -text -eol -ident -filter -working-tree-encoding\n');
}

const someone = {
  ...{ GIT_AUTHOR_NAME: 'session', GIT_AUTHOR_EMAIL: 'session@localhost', GIT_AUTHOR_DATE: '@0 +0000' },
  ...{ GIT_COMMITTER_NAME: 'session', GIT_COMMITTER_EMAIL: 'session@localhost', GIT_COMMITTER_DATE: '@0 +0000' },
};

export interface UnpackRequest {
  /** The bundle. */
  readonly file: string;
  /** The bare repository to make, with the work in it. */
  readonly gitDir: string;
  readonly mirrorDir: string;
  readonly base: CommitId;
  readonly commit: CommitId;
  /** Where the session's files go; null where this executor could do nothing with them. */
  readonly sessionDir: string | null;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * Makes a bare repository with the work, and puts the session's files back. Every object is checked on its way in.
 * Resolves with the content, as `packCheckpoint` would tell it. @throws GitError, WorkspaceError `bad-checkpoint`.
 */
export async function unpackCheckpoint(request: UnpackRequest): Promise<Pick<Packed, 'content' | 'tree'>> {
  const { gitDir, base, commit, sessionDir, signal } = request;
  await initBare(gitDir, base);
  await fetchBundle(request);
  const work = commit === base ? base : await refIn(gitDir, workRef);
  if (work !== commit) throw new WorkspaceError('bad-checkpoint', 'the checkpoint holds another commit than it says');
  const session = sessionDir === null ? null : await refIn(gitDir, sessionRef);
  if (session !== null && sessionDir !== null) await restoreSession(request, sessionDir);
  return contentsOf(gitDir, commit, session, signal);
}

/** That git cannot read it, or lacks what it starts from, is the checkpoint's fault and not the mirror's. */
async function fetchBundle({ file, gitDir, mirrorDir, base, signal }: UnpackRequest): Promise<void> {
  await writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${join(mirrorDir, 'objects')}\n`);
  const checked = ['-c', 'transfer.fsckObjects=true', 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head'];
  try {
    await git(['cat-file', '-e', `${base}^{commit}`], { gitDir, signal });
    await git([...checked, '--', file, '+refs/mesh/*:refs/mesh/*'], { gitDir, signal });
  } catch (error) {
    // No remote is asked: the end of the file is to git what a broken connection is.
    const isOurs = error instanceof GitError && (error.code === 'failed' || error.code === 'network');
    if (!isOurs) throw error;
    throw new WorkspaceError('bad-checkpoint', `the checkpoint cannot be unpacked: ${error.message}`);
  }
}

async function restoreSession({ gitDir, scratch, signal }: UnpackRequest, sessionDir: string): Promise<void> {
  const options: GitOptions = {
    gitDir,
    cwd: sessionDir,
    signal,
    env: { GIT_WORK_TREE: sessionDir, GIT_INDEX_FILE: join(scratch, 'session-index') },
  };
  await mkdir(sessionDir, { recursive: true });
  await takeAsItIs(gitDir);
  const { stdout } = await git(['ls-tree', '-r', '-z', sessionRef], options);
  const isPlain = stdout.split('\0').every((entry) => entry === '' || plainFile.test(entry));
  if (!isPlain) throw new WorkspaceError('bad-checkpoint', 'the checkpoint’s session holds more than plain files');
  await git(['read-tree', sessionRef], options);
  await git(['checkout-index', '--all', '--force'], options);
}

async function refIn(gitDir: string, ref: string): Promise<string | null> {
  const { stdout } = await git(['for-each-ref', '--format=%(objectname)', ref], { gitDir });
  return stdout === '' ? null : stdout;
}
