import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram, tryProgram } from '../../../../src/agents/executors/claude-code/program.ts';
import { claudeCodeSettings } from '../../../../src/agents/executors/claude-code/settings.ts';
import { useFolder } from '../../support.ts';

const folder = useFolder();
const at = (...names: string[]): string => join(folder.path, ...names);

function program(names: readonly string[], text: string): string {
  const file = at(...names);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return realpathSync(file);
}
const settings = (env: Record<string, string>) => claudeCodeSettings({ HOME: folder.path, ...env });

test('is found on the path, behind its links, and needs its own folder', async () => {
  const file = program(['share', 'versions', '2.1'], 'a binary');
  mkdirSync(at('bin'));
  symlinkSync(file, at('bin', 'claude'));
  const found = await findProgram(settings({ PATH: [at('none'), at('bin')].join(delimiter) }));
  expect(found).toEqual({ file, readable: [realpathSync(at('share', 'versions'))] });
});

test('is what CLAUDE_CODE_PATH says', async () => {
  const file = program(['own'], 'a binary');
  program(['bin', 'claude'], 'another');
  expect(await findProgram(settings({ PATH: at('bin'), CLAUDE_CODE_PATH: at('own') }))).toMatchObject({ file });
});

test('as a script it needs its package and Node', async () => {
  const file = program(['lib', 'claude-code', 'bin', 'cli.js'], '#!/usr/bin/env node\nrun();\n');
  writeFileSync(at('lib', 'claude-code', 'package.json'), '{}');
  const node = program(['node-24', 'bin', 'node'], 'a binary');
  mkdirSync(at('bin'));
  symlinkSync(node, at('bin', 'node'));
  const found = await findProgram(settings({ PATH: at('bin'), CLAUDE_CODE_PATH: file }));
  const own = [realpathSync(at('lib', 'claude-code', 'bin')), realpathSync(at('lib', 'claude-code'))];
  expect(found?.readable).toEqual([...own, at('bin', 'node'), node]);
});

test.each([
  ['no `claude` on the PATH', {}],
  ['no program at CLAUDE_CODE_PATH=/nowhere/claude', { CLAUDE_CODE_PATH: '/nowhere/claude' }],
])('%s is told with the mend', async (what, env) => {
  const given = settings(env);
  const reason = expect.stringMatching(`^${what}: install Claude Code`);
  expect(await tryProgram(await findProgram(given), given)).toEqual({ usable: false, reason });
});

test('a folder, or a file that nobody may run, is no program', async () => {
  mkdirSync(at('bin', 'claude'), { recursive: true });
  expect(await findProgram(settings({ PATH: at('bin') }))).toBeNull();
  writeFileSync(at('plain'), '');
  expect(await findProgram(settings({ CLAUDE_CODE_PATH: at('plain') }))).toBeNull();
});

test('it has to run', async () => {
  const good = settings({ CLAUDE_CODE_PATH: program(['good'], '#!/bin/sh\necho "2.1.332 (Claude Code)"\n') });
  expect(await tryProgram(await findProgram(good), good)).toEqual({ usable: true });
  const bad = settings({ CLAUDE_CODE_PATH: program(['bad'], '#!/bin/sh\necho "native binary missing" >&2; exit 1\n') });
  const reason = expect.stringContaining('native binary missing');
  expect(await tryProgram(await findProgram(bad), bad)).toEqual({ usable: false, reason });
});
