import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentEnvironment } from '../../processes/environment.ts';
import type { SupervisedCommand } from '../../processes/supervised.ts';
import { commandShare, costLimitOf, type ExecutorContext, type RunLimits } from '../executor.ts';
import type { KeyGate } from '../key-gate.ts';
import { prepareSession } from './session.ts';
import { type ClaudeCodeSettings, isBilled, type Login } from './settings.ts';

/**
 * All that works without a person: no questions, no timers, no messages to other sessions. What a version does not have
 * it passes over. Search goes through the shell in some versions and through tools of its own in others.
 */
const defaultTools = [
  ...['Bash', 'Read', 'Edit', 'Write', 'NotebookEdit', 'Glob', 'Grep', 'TodoWrite'],
  ...['WebFetch', 'WebSearch', 'Task', 'Skill'],
];
const defaultModel = 'sonnet';
const longestCommandMs = 10 * 60_000;
const usualCommandMs = 2 * 60_000;

/** What one run is given to start with. */
export interface Start {
  readonly id: string;
  /** The conversation is there already, and `text` goes on with it. */
  readonly isResumed: boolean;
  readonly text: string;
}

/** Makes the CLI's folders, fresh ones, and says how to run it. */
export async function claudeCommand(
  { folder, cwd, mark, sessionDir, specialist, limits }: ExecutorContext,
  { file, settings, gate }: { readonly file: string; readonly settings: ClaudeCodeSettings; readonly gate: KeyGate },
  start: Start,
): Promise<SupervisedCommand> {
  const configDir = await mkdtemp(join(folder, 'claude-'));
  const [stdin, system, tmp] = ['prompt.txt', 'system.txt', 'tmp'].map((name) => join(configDir, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(tmp);
  await symlink(await prepareSession(sessionDir, start.id), join(configDir, 'projects'));
  await writeFile(stdin, start.text);
  await writeFile(system, specialist.prompt);
  await writeFile(join(configDir, 'settings.json'), JSON.stringify(cliSettings));
  const args = argumentsFor(start, {
    model: specialist.model,
    tools: specialist.tools,
    systemFile: specialist.prompt.trim() === '' ? null : system,
    turns: limits.turns,
    costUsd: isBilled(settings.login) ? costLimitOf(limits) : limits.costUsd,
  });
  const env = environmentFor({ configDir, tmp, gate, login: settings.login, retries: settings.retries, limits });
  return { file, args, cwd, env, mark, stdin, folder };
}

/** The CLI asks Anthropic's own server about each domain before it fetches from it; here the sandbox decides. */
const cliSettings = { skipWebFetchPreflight: true };

interface Choices {
  readonly model: string | null;
  readonly tools: readonly string[] | null;
  readonly systemFile: string | null;
  readonly turns: number;
  readonly costUsd: number | null;
}

/**
 * `acceptEdits` and rules, for `bypassPermissions` is refused to root. Nobody can answer, so whatever would be asked is
 * denied. Partial messages tell a model that writes a long file from a stream that is stalled.
 */
export function argumentsFor({ id, isResumed }: Start, choices: Choices): readonly string[] {
  const { model, tools, systemFile, turns, costUsd } = choices;
  const rules = tools ?? defaultTools;
  return [
    ...['-p', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
    ...(isResumed ? ['--resume', id] : ['--session-id', id]),
    ...['--model', model === null || model === 'inherit' ? defaultModel : model],
    ...(systemFile === null ? [] : ['--append-system-prompt-file', systemFile]),
    ...['--permission-mode', 'acceptEdits', '--permission-prompts', 'none'],
    ...['--tools', [...new Set(rules.filter(isBuiltIn).map(toolOf))].join(',')],
    ...(rules.length === 0 ? [] : ['--allowedTools', ...rules]),
    ...['--max-turns', String(turns)],
    ...(costUsd === null ? [] : ['--max-budget-usd', String(costUsd)]),
  ];
}

/** `Bash(git log:*)` is a rule about the tool `Bash`. */
const toolOf = (rule: string): string => rule.replace(/\(.*/s, '').trim();
const isBuiltIn = (rule: string): boolean => !rule.startsWith('mcp__');

interface Surroundings {
  readonly configDir: string;
  readonly tmp: string;
  readonly gate: Pick<KeyGate, 'url' | 'pass'>;
  readonly login: Login;
  readonly retries: number;
  readonly limits: Pick<RunLimits, 'idleMs'>;
}

export function environmentFor({ configDir, tmp, gate, login, retries, limits }: Surroundings) {
  const commandMs = Math.min(Math.floor(limits.idleMs * commandShare), longestCommandMs);
  return {
    ...agentEnvironment({ tmp }),
    CLAUDE_CONFIG_DIR: configDir,
    // Its files and its sockets, which it would make in /tmp and leave there when it is killed.
    CLAUDE_CODE_TMPDIR: tmp,
    XDG_RUNTIME_DIR: tmp,
    ANTHROPIC_BASE_URL: gate.url,
    [passVariable(login)]: gate.pass,
    CLAUDE_CODE_MAX_RETRIES: String(retries),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    // It would wait for them at its end, and then ask the model again.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    BASH_MAX_TIMEOUT_MS: String(commandMs),
    BASH_DEFAULT_TIMEOUT_MS: String(Math.min(commandMs, usualCommandMs)),
  };
}

/** By it the CLI knows whether a plan's limits are to be told of. */
function passVariable({ type }: Login): string {
  switch (type) {
    case 'api-key':
      return 'ANTHROPIC_API_KEY';
    case 'auth-token':
      return 'ANTHROPIC_AUTH_TOKEN';
    case 'oauth-token':
    case 'plan':
      return 'CLAUDE_CODE_OAUTH_TOKEN';
  }
}
