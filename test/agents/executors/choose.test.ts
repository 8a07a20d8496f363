import { expect, test } from 'vitest';
import { chooseExecutor } from '../../../src/agents/executors/choose.ts';
import { useFolder } from '../support.ts';
import { standIn } from './claude-code/support.ts';

const folder = useFolder();

const key = { ANTHROPIC_API_KEY: 'a key' };

test.each([
  ['auto takes the command first', { executor: 'auto', command: 'true', env: key }, 'command', /^the first usable$/],
  [
    'auto takes the key where there is no command, and says why',
    { executor: 'auto', command: null, env: key },
    'anthropic',
    /^the first usable; not command: no command.*; not claude-code: /,
  ],
  ['what was asked for', { executor: 'anthropic', command: 'true', env: key }, 'anthropic', /^as asked$/],
  ['what was asked for', { executor: 'command', command: 'true', env: key }, 'command', /^as asked$/],
] as const)('%s', async (_, config, name, why) => {
  expect(await chooseExecutor(config)).toEqual({
    executor: expect.objectContaining({ name }),
    why: expect.stringMatching(why),
  });
});

test('auto takes Claude Code before the API where it is installed', async () => {
  const env = { ...key, CLAUDE_CODE_PATH: standIn(folder.path), HOME: folder.path };
  expect(await chooseExecutor({ executor: 'auto', command: null, env })).toEqual({
    executor: expect.objectContaining({ name: 'claude-code' }),
    why: expect.stringMatching(/^the first usable; not command/),
  });
});

test.each([
  [
    { executor: 'claude-code', command: 'true', env: key },
    /^claude-code: no `claude` on the PATH: install Claude Code/,
  ],
  [
    { executor: 'auto', command: null, env: {} },
    /^no agent to run: give `peer start` a --command CMD, or install Claude Code, or set ANTHROPIC_API_KEY$/,
  ],
  [{ executor: 'auto', command: null, env: { ANTHROPIC_API_KEY: '' } }, /ANTHROPIC_API_KEY/],
  [{ executor: 'command', command: null, env: key }, /^command: .*--command/],
  [{ executor: 'anthropic', command: 'true', env: {} }, /^anthropic: .*ANTHROPIC_API_KEY/],
] as const)('none for %j, with the mend', async (config, reason) => {
  const isRefusal = config.executor !== 'auto';
  expect(await chooseExecutor(config)).toEqual({ reason: expect.stringMatching(reason), isRefusal });
});

test('who is not logged in yet may log in later, and is refused nothing', async () => {
  const env = { CLAUDE_CODE_PATH: standIn(folder.path), HOME: folder.path };
  expect(await chooseExecutor({ executor: 'claude-code', command: null, env })).toEqual({
    reason: expect.stringMatching(/^claude-code: no login: /),
    isRefusal: false,
  });
});
