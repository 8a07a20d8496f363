import { CommandExecutor } from './command.ts';
import type { Executor } from './executor.ts';

export const ExecutorNames = ['auto', 'claude-code', 'anthropic', 'command'] as const;
export type ExecutorName = (typeof ExecutorNames)[number];

export interface ExecutorConfig {
  readonly executor: ExecutorName;
  /** The shell command line of the `command` executor. */
  readonly command: string | null;
}

/** Why no agent can run here; names the mend. */
export interface NoExecutor {
  readonly reason: string;
}

/** What runs the agents of this PC. `auto` takes the command where one is given. */
export async function chooseExecutor({ executor, command }: ExecutorConfig): Promise<Executor | NoExecutor> {
  switch (executor) {
    case 'auto':
      return command === null
        ? { reason: 'no executor: give --command CMD, the command line that runs your agent' }
        : usableOr(new CommandExecutor(command));
    case 'command':
      return command === null
        ? { reason: 'the executor `command` needs --command CMD' }
        : usableOr(new CommandExecutor(command));
    case 'claude-code':
    case 'anthropic':
      return { reason: `the executor \`${executor}\` is not part of this version: give --command CMD` };
  }
}

async function usableOr(executor: Executor): Promise<Executor | NoExecutor> {
  const usable = await executor.usable();
  return usable.usable ? executor : { reason: `${executor.name}: ${usable.reason}` };
}
