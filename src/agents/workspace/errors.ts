export type WorkspaceErrorCode =
  | 'empty-repository'
  | 'no-default-branch'
  | 'no-such-branch'
  | 'no-such-folder'
  /** What the agent left cannot be published. */
  | 'bad-result'
  /** It would write to a file in Git LFS, which no PC of the mesh can. */
  | 'lfs-change'
  /** What an earlier attempt has saved is not what it says. */
  | 'bad-checkpoint'
  /** This PC's disk is full. */
  | 'no-space'
  /** This PC's copy of the repository is damaged, and cannot be replaced while another attempt works with it. */
  | 'mirror-in-use';

/** Why there is no workspace, or no result in it. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError';
  readonly code: WorkspaceErrorCode;

  constructor(code: WorkspaceErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
