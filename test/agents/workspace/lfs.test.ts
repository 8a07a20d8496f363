import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { usesLfs } from '../../../src/agents/workspace/lfs.ts';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { type Files, makeRepository, useFolder } from '../support.ts';
import { requestFor, signal, workspacesIn } from './support.ts';

const folder = useFolder();
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
let origin = '';
let workspace: Workspace;

async function open(files: Files): Promise<void> {
  origin = makeRepository(folder.path, files);
  workspace = await workspacesIn(join(folder.path, 'home')).open(requestFor(origin));
}
/** With a HOME of its own, in which git was set up for LFS by a filter that would replace everything. */
const agent = (script: string): string => {
  const home = join(folder.path, 'person');
  mkdirSync(home, { recursive: true });
  const filter = 'process = false\n smudge = echo smudged\n clean = echo cleaned\n required = true';
  writeFileSync(join(home, '.gitconfig'), `[filter "lfs"]\n ${filter}\n`);
  const env = { PATH: process.env.PATH, HOME: home };
  return execFileSync('/bin/sh', ['-ec', script], { cwd: workspace.cwd, encoding: 'utf8', stdio: 'pipe', env });
};

describe('a repository with files in Git LFS', () => {
  beforeEach(() =>
    open({ 'a.txt': 'a\n', 'assets/.gitattributes': '*.png filter=lfs -text\n', 'assets/logo.png': pointer }),
  );

  test('is known as one', async () => {
    expect(await usesLfs(origin, workspace.base.commit, signal)).toBe(true);
    expect(workspace.notes).toEqual([expect.stringContaining('Git LFS are only pointers')]);
  });

  test('has their pointers in the clone, whatever the agent’s git is set up for', () => {
    agent('rm assets/logo.png; git checkout -q -- assets; echo b > b.txt; git add -A; git commit -qm b');
    expect(readFileSync(join(workspace.cwd, 'assets/logo.png'), 'utf8')).toBe(pointer);
    expect(agent('git status --porcelain')).toBe('');
  });

  test.each([
    ['does not touch them', 'echo b > b.txt'],
    ['moves one', 'git mv assets/logo.png assets/mark.png'],
    ['removes one', 'rm assets/logo.png'],
    ['takes one out of LFS', 'rm assets/.gitattributes; echo plain > assets/logo.png'],
  ])('can be worked on by one who %s', async (_, script) => {
    agent(script);
    expect(await workspace.snapshot(signal)).not.toBeNull();
  });

  test.each([
    ['is overwritten', 'echo image > assets/logo.png'],
    ['is new', 'echo image > "assets/a new.png"; git add -A; git commit -qm new'],
    ['points elsewhere', 'sed -i s/aaa/bbb/ assets/logo.png'],
    ['is put there', 'echo "*.txt filter=lfs" > .gitattributes; echo b > a.txt'],
  ])('is not published where one %s', async (_, script) => {
    agent(script);
    await expect(workspace.snapshot(signal)).rejects.toMatchObject({
      code: 'lfs-change',
      message: expect.stringMatching(/^`.*` is kept in Git LFS, which can be read here and not written$/),
    });
  });
});

test('a repository without any is none', async () => {
  await open({ 'a.txt': 'filter=lfs\n', '.gitattributes': '* text\n' });
  expect(await usesLfs(origin, workspace.base.commit, signal)).toBe(false);
  expect(workspace.notes).toEqual([]);
});
