import type { SupervisedCommand } from '../supervised.ts';

/** What a command needs beyond its own folder of work, its temporary and its session folder, and the system's programs. */
export interface Needs {
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** Hosts that it must reach, whatever the person's allow-list says. */
  readonly hosts: readonly string[];
}

/** Keeps what an agent starts away from everything that is not its own. */
export interface Sandbox {
  readonly name: string;
  /** The same command, confined. */
  confine(command: SupervisedCommand, needs: Needs): Promise<SupervisedCommand>;
}

/** Nothing is kept from the agent. */
export const noSandbox: Sandbox = { name: 'none', confine: async (command) => command };
