import { AnthropicExecutor } from './anthropic/executor.ts';
import { anthropicSettings } from './anthropic/settings.ts';
import { ClaudeCodeExecutor } from './claude-code/executor.ts';
import { claudeCodeSettings } from './claude-code/settings.ts';
import { CommandExecutor } from './command.ts';
import type { Executor } from './executor.ts';

export const ExecutorNames = ['auto', 'claude-code', 'anthropic', 'command'] as const;
export type ExecutorName = (typeof ExecutorNames)[number];

export interface ExecutorConfig {
  readonly executor: ExecutorName;
  /** The shell command line of the `command` executor. */
  readonly command: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Why no agent can run here; names the mend. */
export interface NoExecutor {
  readonly reason: string;
}

export interface ChosenExecutor {
  readonly executor: Executor;
  /** For people: why this one. */
  readonly why: string;
}

type Candidate = (config: ExecutorConfig) => Executor | NoExecutor;

/** In the order in which `auto` tries them. */
const candidates: Readonly<Record<Exclude<ExecutorName, 'auto'>, Candidate>> = {
  command: ({ command }) =>
    command === null
      ? { reason: 'no command: give --command CMD, the command line that runs your agent' }
      : new CommandExecutor(command),
  'claude-code': ({ env }) => new ClaudeCodeExecutor(claudeCodeSettings(env)),
  anthropic: ({ env }) => new AnthropicExecutor(anthropicSettings(env)),
};

/** What runs the agents of this PC: the one that was asked for, or the first that is usable. */
export async function chooseExecutor(config: ExecutorConfig): Promise<ChosenExecutor | NoExecutor> {
  const { executor: asked } = config;
  if (asked !== 'auto') {
    const found = await usableOr(candidates[asked], config);
    return 'reason' in found ? { reason: `${asked}: ${found.reason}` } : { executor: found, why: 'as asked' };
  }
  const passedOver: string[] = [];
  for (const [name, candidate] of Object.entries(candidates)) {
    const found = await usableOr(candidate, config);
    if (!('reason' in found)) return { executor: found, why: ['the first usable', ...passedOver].join('; not ') };
    passedOver.push(`${name}: ${found.reason}`);
  }
  return { reason: `no executor is usable (${passedOver.join('; ')})` };
}

async function usableOr(candidate: Candidate, config: ExecutorConfig): Promise<Executor | NoExecutor> {
  const found = candidate(config);
  if ('reason' in found) return found;
  const usable = await found.usable();
  return usable.usable ? found : { reason: usable.reason };
}
