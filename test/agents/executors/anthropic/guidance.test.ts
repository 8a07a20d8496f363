import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemPrompt } from '../../../../src/agents/executors/anthropic/guidance.ts';
import { useFolder } from '../../support.ts';

const folder = useFolder();
const clone = (): string => {
  const path = join(folder.path, 'clone');
  mkdirSync(join(path, '.git'), { recursive: true });
  mkdirSync(join(path, 'packages', 'one'), { recursive: true });
  return path;
};

test('the specialist comes first, then what the repository says, from its root down to the task’s folder', async () => {
  const root = clone();
  writeFileSync(join(folder.path, 'CLAUDE.md'), 'Not of this repository.');
  writeFileSync(join(root, 'CLAUDE.md'), 'Use tabs.');
  writeFileSync(join(root, 'packages', 'one', 'CLAUDE.md'), 'No tabs here.');
  const text = await systemPrompt('You are a tester.', join(root, 'packages', 'one'));
  expect(text).toMatch(
    /^You are a tester\.[\s\S]*\(CLAUDE\.md\)\n\nUse tabs\.[\s\S]*\(packages\/one\/CLAUDE\.md\)\n\nNo tabs/,
  );
  expect(text).not.toContain('Not of this repository');
});

test('a link that leads out of the clone is not followed', async () => {
  const root = clone();
  writeFileSync(join(folder.path, 'secret'), 's3cret');
  symlinkSync('../secret', join(root, 'CLAUDE.md'));
  symlinkSync('../../AGENTS.md', join(root, 'packages', 'one', 'CLAUDE.md'));
  writeFileSync(join(root, 'AGENTS.md'), 'Use tabs.');
  const text = await systemPrompt('', join(root, 'packages', 'one'));
  expect(text).not.toContain('s3cret');
  expect(text).toContain('Use tabs.');
});

test('outside of a repository only the folder itself counts', async () => {
  const inner = join(folder.path, 'a', 'b');
  mkdirSync(inner, { recursive: true });
  writeFileSync(join(folder.path, 'a', 'CLAUDE.md'), 'Use tabs.');
  expect(await systemPrompt('', inner)).not.toContain('Use tabs.');
});
