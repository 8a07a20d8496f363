import { ControlClient } from '../peer/control/client.ts';
import { locateHome } from '../peer/home/home.ts';
import { socketPath } from '../peer/home/socket.ts';
import type { ExitCode } from './errors.ts';

/** What a command has of the world around it. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  /** A person sits in front of it. */
  readonly isTerminal: boolean;
  /** One line or more on stdout. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Asks the person in front of it; null where there is none to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** The exit code once the command has ended. */
  readonly exit: (code: ExitCode) => void;
}

/** The peer that runs on this home. */
export const clientOf = (context: Context): ControlClient => new ControlClient(socketPath(locateHome(context.env)));
