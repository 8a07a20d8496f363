import type { SupervisedCommand } from '../supervised.ts';

/** What an attempt owns on this PC, by absolute paths. */
export interface Places {
  /** The agent's clone, the executor's folder and its session. */
  readonly writable: readonly string[];
  /** What these lean on: the mirror that the clone borrows objects from. */
  readonly readable: readonly string[];
}

/** What a command needs beyond its attempt's places and the system's programs. */
export interface Needs {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** `host` or `host:port` that it must reach, whatever the person's allow-list says. */
  readonly hosts: readonly string[];
}

/** Keeps what an agent starts away from everything that is not its own. */
export interface Sandbox {
  readonly name: string;
  /** The same command, confined to `places` and `needs`. */
  confine(command: SupervisedCommand, needs: Needs, places: Places): Promise<SupervisedCommand>;
  /** Ends what it runs itself (a proxy). */
  close(): Promise<void>;
}

/** Nothing is kept from the agent. */
export const noSandbox: Sandbox = { name: 'none', confine: async (command) => command, close: async () => {} };
