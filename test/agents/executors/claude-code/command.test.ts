import { expect, test } from 'vitest';
import { argumentsFor, environmentFor } from '../../../../src/agents/executors/claude-code/command.ts';
import type { Login } from '../../../../src/agents/executors/claude-code/settings.ts';

const id = '11111111-2222-4333-8444-555555555555';
const choices = { model: null, tools: null, systemFile: null, turns: 7, costUsd: null };
const argumentsWith = (changes: Partial<Parameters<typeof argumentsFor>[1]> = {}, isResumed = false) =>
  argumentsFor({ id, isResumed, text: '' }, { ...choices, ...changes });
/** What stands between a flag and the next. */
function valuesOf(args: readonly string[], flag: string): readonly string[] | null {
  const from = args.indexOf(flag);
  if (from < 0) return null;
  const to = args.findIndex((arg, i) => i > from && arg.startsWith('-'));
  return args.slice(from + 1, to < 0 ? undefined : to);
}

test('a new conversation, and one that goes on', () => {
  expect(valuesOf(argumentsWith(), '--session-id')).toEqual([id]);
  expect(valuesOf(argumentsWith(), '--resume')).toBeNull();
  expect(valuesOf(argumentsWith({}, true), '--resume')).toEqual([id]);
  expect(valuesOf(argumentsWith({}, true), '--session-id')).toBeNull();
});

test.each([
  [null, 'sonnet'],
  ['inherit', 'sonnet'],
  ['haiku', 'haiku'],
  ['claude-opus-5-5', 'claude-opus-5-5'],
])('the model of the specialist: %s', (model, expected) => {
  expect(valuesOf(argumentsWith({ model }), '--model')).toEqual([expected]);
});

test('what a specialist may use is all that there is, and may be used without a question', () => {
  const args = argumentsWith({ tools: ['Read', 'Bash(git log:*)', 'Bash(npm test)', 'mcp__docs__search'] });
  expect(valuesOf(args, '--tools')).toEqual(['Read,Bash']);
  expect(valuesOf(args, '--allowedTools')).toEqual(['Read', 'Bash(git log:*)', 'Bash(npm test)', 'mcp__docs__search']);
});

test('no tools at all', () => {
  const args = argumentsWith({ tools: [] });
  expect(valuesOf(args, '--tools')).toEqual(['']);
  expect(valuesOf(args, '--allowedTools')).toBeNull();
});

test('by default what needs no person', () => {
  const args = argumentsWith();
  const rules = valuesOf(args, '--allowedTools');
  expect(rules).toEqual(expect.arrayContaining(['Bash', 'Edit', 'Read', 'Write']));
  expect(valuesOf(args, '--tools')).toEqual([rules?.join(',')]);
  for (const other of ['SendMessage', 'ScheduleWakeup', 'CronCreate', 'EnterWorktree'])
    expect(rules).not.toContain(other);
  expect(valuesOf(args, '--permission-mode')).toEqual(['acceptEdits']);
  expect(valuesOf(args, '--permission-prompts')).toEqual(['none']);
});

test('the limits', () => {
  expect(valuesOf(argumentsWith(), '--max-turns')).toEqual(['7']);
  expect(valuesOf(argumentsWith(), '--max-budget-usd')).toBeNull();
  expect(valuesOf(argumentsWith({ costUsd: 2.5 }), '--max-budget-usd')).toEqual(['2.5']);
});

const environmentWith = (login: Login, idleMs = 600_000) =>
  environmentFor({
    configDir: '/config',
    tmp: '/config/tmp',
    gate: { url: 'http://127.0.0.1:1', pass: 'a pass' },
    login,
    retries: 3,
    limits: { idleMs },
  });

test.each<[Login, string]>([
  [{ type: 'api-key', key: 'secret' }, 'ANTHROPIC_API_KEY'],
  [{ type: 'auth-token', key: 'secret' }, 'ANTHROPIC_AUTH_TOKEN'],
  [{ type: 'oauth-token', key: 'secret' }, 'CLAUDE_CODE_OAUTH_TOKEN'],
  [{ type: 'plan' }, 'CLAUDE_CODE_OAUTH_TOKEN'],
])('the pass of the gate in place of %j', (login, name) => {
  const env = environmentWith(login);
  expect(env).toMatchObject({ ANTHROPIC_BASE_URL: 'http://127.0.0.1:1', [name]: 'a pass' });
  expect(JSON.stringify(env)).not.toContain('secret');
  const logins = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];
  expect(Object.keys(env).filter((one) => logins.includes(one))).toEqual([name]);
});

test('a command ends before its silence would end the run', () => {
  const login: Login = { type: 'plan' };
  expect(environmentWith(login, 10_000)).toMatchObject({
    BASH_MAX_TIMEOUT_MS: '8000',
    BASH_DEFAULT_TIMEOUT_MS: '8000',
  });
  expect(environmentWith(login, 3_600_000)).toMatchObject({
    BASH_MAX_TIMEOUT_MS: '600000',
    BASH_DEFAULT_TIMEOUT_MS: '120000',
  });
});
