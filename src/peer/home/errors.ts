export type HomeErrorCode =
  | 'not-a-folder'
  | 'not-readable'
  | 'not-writable'
  | 'bad-identity'
  | 'bad-mesh'
  | 'bad-mesh-key'
  | 'bad-config'
  | 'bad-join-code'
  | 'mesh-exists'
  | 'other-mesh'
  | 'no-socket';

/** Something is wrong with this PC's set-up. The message is one line that ends with the mend. */
export class HomeError extends Error {
  override readonly name = 'HomeError';
  readonly code: HomeErrorCode;
  /** The file, folder or variable that is wrong. */
  readonly subject: string;
  constructor(code: HomeErrorCode, subject: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.subject = subject;
  }
}
