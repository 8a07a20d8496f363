export const ControlErrorCodes = [
  /** No peer runs on this home. */
  'no-peer',
  /** The peer went away in the middle. */
  'broken',
  /** It answered something that is no answer: another version of this program. */
  'malformed',
  'not-found',
  /** The beginning of several tasks' ids. */
  'ambiguous',
  /** It cannot be done in the state that things are in. */
  'conflict',
  'bad-request',
  'stopping',
  /** The socket cannot be served. */
  'no-socket',
] as const;
export type ControlErrorCode = (typeof ControlErrorCodes)[number];

/** A command to the peer on this PC did not work. The message is one line. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ControlErrorCode;
  constructor(code: ControlErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
