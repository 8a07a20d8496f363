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

export interface NoneChosen extends NoExecutor {
  /** A person has named an executor, and it needs something that only a person can bring here. */
  readonly isRefusal: boolean;
}

export interface ChosenExecutor {
  readonly executor: Executor;
  /** For people: why this one. */
  readonly why: string;
}

type Unusable = NoExecutor & { readonly mayPass?: boolean };
type Candidate = (config: ExecutorConfig) => Executor | Unusable;

/** In the order in which `auto` tries them. */
const candidates: Readonly<Record<Exclude<ExecutorName, 'auto'>, Candidate>> = {
  command: ({ command }) =>
    command === null ? { reason: 'no command: give `peer start` a --command CMD' } : new CommandExecutor(command),
  'claude-code': ({ env }) => new ClaudeCodeExecutor(claudeCodeSettings(env)),
  anthropic: ({ env }) => new AnthropicExecutor(anthropicSettings(env)),
};

/** What runs the agents of this PC: the one that was asked for, or the first that is usable. */
export async function chooseExecutor(config: ExecutorConfig): Promise<ChosenExecutor | NoneChosen> {
  const { executor: asked } = config;
  if (asked !== 'auto') {
    const found = await usableOr(candidates[asked], config);
    if (!('reason' in found)) return { executor: found, why: 'as asked' };
    return { reason: `${asked}: ${found.reason}`, isRefusal: found.mayPass !== true };
  }
  const passedOver: { readonly name: string; readonly reason: string }[] = [];
  for (const [name, candidate] of Object.entries(candidates)) {
    const found = await usableOr(candidate, config);
    if (!('reason' in found)) return { executor: found, why: whyFirst(passedOver) };
    passedOver.push({ name, reason: found.reason });
  }
  return { reason: `no agent to run: ${passedOver.map(mendIn).join(', or ')}`, isRefusal: false };
}

type PassedOver = readonly { readonly name: string; readonly reason: string }[];

const whyFirst = (passedOver: PassedOver): string =>
  ['the first usable', ...passedOver.map(({ name, reason }) => `${name}: ${reason}`)].join('; not ');

/** Reasons end with the mend; what is explained in brackets would make a line of three of them too long. */
const mendIn = ({ reason }: PassedOver[number]): string =>
  (reason.split(': ').at(-1) ?? '').replace(/ \([^()]*\)$/, '');

async function usableOr(candidate: Candidate, config: ExecutorConfig): Promise<Executor | Unusable> {
  const found = candidate(config);
  if ('reason' in found) return found;
  const usable = await found.usable();
  return usable.usable ? found : usable;
}
