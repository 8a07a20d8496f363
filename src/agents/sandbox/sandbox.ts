import type { SupervisedCommand } from '../processes/supervised.ts';

/** What an attempt owns on this PC, by absolute paths. */
export interface Places {
  /** The agent's clone, the executor's folder and its session. */
  readonly writable: readonly string[];
  /** What these lean on: the mirror that the clone borrows objects from. */
  readonly readable: readonly string[];
  /**
   * For the sandbox itself, made when needed. Outside of all that is writable: what is mounted must not be the agent's
   * to choose.
   */
  readonly own: string;
}

/** What a command needs beyond its attempt's places and the system's programs. */
export interface Needs {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /**
   * What it must reach, whatever the person's allow-list says: `host` (a public one, by HTTP or HTTPS), or `host:port`,
   * which may be of this PC or its network too. A `host:port` of the loopback is there under its usual address.
   */
  readonly hosts: readonly string[];
}

/** Keeps what an agent starts away from everything that is not its own. For one attempt. */
export interface Sandbox {
  readonly name: string;
  /**
   * The same command, confined to `places` and `needs`. What it may leave of them is its own; its home is a private
   * one.
   * @throws SandboxError
   */
  confine(command: SupervisedCommand, needs: Needs, places: Places): Promise<SupervisedCommand>;
  /** Ends what it runs itself (a proxy). */
  close(): Promise<void>;
}

/** Says in a line what an agent was kept from, and the mend. */
export type OnDenied = (detail: string) => void;

/** What a peer confines its agents with. */
export interface Sandboxes {
  /** Null where nothing confines them. */
  readonly name: string | null;
  open(onDenied: OnDenied): Sandbox;
}

/** Nothing is kept from the agent. */
export const noSandbox: Sandbox = { name: 'none', confine: async (command) => command, close: async () => {} };
export const noSandboxes: Sandboxes = { name: null, open: () => noSandbox };

/** A command cannot be confined here; the message names what is missing. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code = 'no-sandbox';
}
