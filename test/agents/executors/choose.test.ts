import { expect, test } from 'vitest';
import { chooseExecutor } from '../../../src/agents/executors/choose.ts';

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

test.each([
  [{ executor: 'auto', command: null, env: {} }, /command: .*--command.*anthropic: .*ANTHROPIC_API_KEY/],
  [{ executor: 'auto', command: null, env: { ANTHROPIC_API_KEY: '' } }, /ANTHROPIC_API_KEY/],
  [{ executor: 'command', command: null, env: key }, /^command: .*--command/],
  [{ executor: 'anthropic', command: 'true', env: {} }, /^anthropic: .*ANTHROPIC_API_KEY/],
] as const)('none for %j, with the mend', async (config, reason) => {
  expect(await chooseExecutor(config)).toEqual({ reason: expect.stringMatching(reason) });
});
