import { type CommitId, commitIdSchema, type TaskId } from '../../protocol/ids.ts';
import { type GitOptions, git } from '../git.ts';
import { clip, oneLine } from '../lines.ts';

export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** What a commit of the mesh says of itself. */
export interface Signature {
  readonly title: string;
  readonly task: TaskId;
  readonly attempt: number;
  /** What the repository's test command said of it; null where it was not run. */
  readonly verified: boolean | null;
  readonly identity: Identity;
}

/** A tree as a commit, with the trailers that tell whose it is. */
export async function commitTree(signature: Signature, tree: string, parent: CommitId, options: GitOptions) {
  const { identity } = signature;
  const commit = await line(['commit-tree', tree, '-p', parent], {
    ...options,
    input: `${oneLine(signature.title, 200)}\n\n${trailers(signature)}`,
    env: { ...committer(signature), GIT_AUTHOR_NAME: identity.name, GIT_AUTHOR_EMAIL: identity.email },
  });
  return commitIdSchema.parse(commit);
}

/** A commit again, its author's and with its words, with our trailers and without any of its own making. */
export async function reword(signature: Signature, head: CommitId, options: GitOptions): Promise<CommitId> {
  const format = '--format=%an%x00%ae%x00%ad%x00%P%x00%T%x00%B';
  const { stdout } = await git(['log', '-1', '--date=raw', format, head], options);
  const [author = '', email = '', date = '', parents = '', tree = '', ...body] = stdout.split('\0');
  const message = body.join('').replaceAll(/^[ \t]*Mesh-(Task|Attempt|Verify)[ \t]*:.*$\n?/gim, '');
  const withTrailers = await git(['interpret-trailers', '--no-divider', ...trailerOptions(signature)], {
    ...options,
    input: `${clip(message.trim() || signature.title, 64 * 1024)}\n`,
  });
  const commit = await line(['commit-tree', tree, ...parents.split(' ').flatMap((parent) => ['-p', parent])], {
    ...options,
    input: `${withTrailers.stdout}\n`,
    env: {
      ...committer(signature),
      GIT_AUTHOR_NAME: author.trim() || signature.identity.name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
    },
  });
  return commitIdSchema.parse(commit);
}

/** What `Signature.verified` was; only to be believed of a commit that no agent has made. */
export async function readVerified(commit: CommitId, options: GitOptions): Promise<boolean | null> {
  return parseVerified(await line(['log', '-1', '--format=%(trailers:key=Mesh-Verify,valueonly)', commit], options));
}

export function parseVerified(trailer: string | undefined): boolean | null {
  switch (trailer?.trim()) {
    case 'passed':
      return true;
    case 'failed':
      return false;
    default:
      return null;
  }
}

const line = async (args: readonly string[], options: GitOptions): Promise<string> =>
  (await git(args, options)).stdout.trim();

function trailers({ task, attempt, verified }: Signature): string {
  const verdict = verified === null ? '' : `Mesh-Verify: ${verified ? 'passed' : 'failed'}\n`;
  return `Mesh-Task: ${task}\nMesh-Attempt: ${attempt}\n${verdict}`;
}

const trailerOptions = (signature: Signature): readonly string[] =>
  trailers(signature)
    .trim()
    .split('\n')
    .flatMap((trailer) => ['--trailer', trailer]);

const committer = ({ identity }: Signature): Record<string, string> => ({
  GIT_COMMITTER_NAME: identity.name,
  GIT_COMMITTER_EMAIL: identity.email,
});
