export type ForgeErrorCode =
  /** No token, or one that the forge does not take. */
  | 'unauthorized'
  /** The token's rights do not suffice. */
  | 'forbidden'
  | 'not-found'
  | 'rate-limited'
  | 'network'
  /** The forge will not do that, whoever asks. */
  | 'invalid';

/** What a forge answered in place of what was asked for. The message is one line that ends with the mend. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
  readonly code: ForgeErrorCode;
  readonly mend: string;
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;

  constructor(code: ForgeErrorCode, what: string, mend: string, status: number | null, options?: ErrorOptions) {
    super(`${what}: ${mend}`, options);
    this.code = code;
    this.mend = mend;
    this.status = status;
  }
}
