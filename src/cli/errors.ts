import { CommanderError } from 'commander';
import { ForgeError } from '../agents/forge/errors.ts';
import { RepositoryError } from '../agents/forge/repository.ts';
import { GitError } from '../agents/git.ts';
import { ControlError, type ControlErrorCode } from '../peer/control/errors.ts';
import { HomeError } from '../peer/home/errors.ts';
import { NetworkError } from '../peer/network/network.ts';
import { StoreError } from '../peer/store/store.ts';
import { slipLine } from './slips.ts';

/** `interrupted`: 128 and the number of SIGINT, as a shell has it of a command that Ctrl-C has ended. */
export const ExitCodes = { done: 0, failed: 1, usage: 2, cancelled: 3, noPeer: 4, interrupted: 130 } as const;
export type ExitCode = (typeof ExitCodes)[keyof typeof ExitCodes];

/** What a command could not do, in one line that ends with the mend. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export const usageError = (message: string): CliError => new CliError(ExitCodes.usage, message);

export interface Ending {
  readonly exitCode: ExitCode;
  /** One line for stderr; null where all has been said. */
  readonly message: string | null;
}

/** The set-up or the command line is wrong; the message of each is one line that names the mend. */
const setUpErrors = [HomeError, StoreError, NetworkError, ForgeError, RepositoryError] as const;

/** The one place where an error becomes a line and an exit code. `command` is the one that was to run. */
export function endingOf(error: unknown, command: string): Ending {
  if (error instanceof CommanderError) return commanderEnding(error, command);
  if (error instanceof CliError) return { exitCode: error.exitCode, message: oneLine(error.message) };
  if (error instanceof ControlError) return { exitCode: controlExit[error.code], message: oneLine(error.message) };
  if (setUpErrors.some((type) => error instanceof type)) {
    return { exitCode: ExitCodes.usage, message: oneLine(messageOf(error)) };
  }
  if (error instanceof GitError) return { exitCode: ExitCodes.failed, message: oneLine(error.message) };
  return {
    exitCode: ExitCodes.failed,
    message: `unexpected: ${oneLine(messageOf(error))}: LOG_LEVEL=debug shows where`,
  };
}

const controlExit: Readonly<Record<ControlErrorCode, ExitCode>> = {
  'no-peer': ExitCodes.noPeer,
  broken: ExitCodes.noPeer,
  stopping: ExitCodes.noPeer,
  'not-found': ExitCodes.usage,
  ambiguous: ExitCodes.usage,
  conflict: ExitCodes.usage,
  'bad-request': ExitCodes.usage,
  'no-socket': ExitCodes.usage,
  malformed: ExitCodes.failed,
};

/** Help and the version have printed themselves; anything else is a mistake in the command line. */
function commanderEnding(error: CommanderError, command: string): Ending {
  if (error.exitCode === 0) return { exitCode: ExitCodes.done, message: null };
  return { exitCode: ExitCodes.usage, message: oneLine(slipLine(error, command)) };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');
