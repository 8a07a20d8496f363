import { readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { person, personPushes, taskFor } from '../support.ts';
import { agent, requestFor, useWorkspaces, workspacesIn } from './support.ts';

const at = useWorkspaces();
const everythingIn = (path: string): readonly string[] => readdirSync(path, { recursive: true }).map(String);

describe('a clone', () => {
  test('is at the tip of the default branch, on the task’s branch', async () => {
    const workspace = await at.open();
    expect(readFileSync(join(workspace.cwd, 'a.txt'), 'utf8')).toBe('a\n');
    expect(workspace.base).toEqual({ branch: 'main', commit: person(at.origin, 'rev-parse', 'main') });
    expect(agent(workspace, 'git branch --show-current').trim()).toBe(`peer/task-${taskFor(at.origin).id.slice(0, 8)}`);
  });

  test('starts from the branch that was asked for, and sees what was pushed since the last time', async () => {
    await (await at.open()).close(true);
    const pushed = personPushes(at.folder, {}, 'release/1.0');
    const { base } = await at.open({ base: 'release/1.0' });
    expect(base.commit).toBe(pushed);
  });

  test('has what the repository tells agents, and how it sets them up', async () => {
    const paths = ['CLAUDE.md', '.claude/settings.json', '.claude/agents/own.md'];
    personPushes(at.folder, Object.fromEntries(paths.map((path) => [path, `${path}\n`])));
    const script = 'cat CLAUDE.md .claude/settings.json .claude/agents/own.md';
    expect(agent(await at.open(), script)).toBe('CLAUDE.md\n.claude/settings.json\n.claude/agents/own.md\n');
  });

  test('works in the task’s folder', async () => {
    expect(agent(await at.open({ path: 'packages/web' }), 'ls')).toBe('index.js\n');
  });

  test.each(['no/such', '../../..', '/etc/../..'])('refuses the folder %s', async (path) => {
    await expect(at.open({ path })).rejects.toMatchObject({ code: 'no-such-folder' });
  });

  test('refuses a folder that a link leads to', async () => {
    symlinkSync('/tmp', join(at.folder, 'checkout', 'out'));
    personPushes(at.folder);
    await expect(at.open({ path: 'out' })).rejects.toMatchObject({ code: 'no-such-folder' });
    expect(readdirSync(join(at.home, 'work'))).toEqual([]);
  });

  test('has an origin that holds no secret and that nobody can push to', async () => {
    const url = `file://me:secret@localhost${at.origin}`;
    const remote = { url, authorization: null };
    const workspace = await workspacesIn(at.home).open(requestFor(at.origin, { remote }));
    expect(agent(workspace, 'git remote get-url origin').trim()).toBe(`file://localhost${at.origin}`);
    expect(agent(workspace, 'git remote get-url --push origin').trim()).toBe('pushing-is-done-by-the-peer');
    const files = everythingIn(at.home).filter((path) => statSync(join(at.home, path)).isFile());
    for (const path of files) expect(readFileSync(join(at.home, path), 'latin1')).not.toContain('me:secret');
  });

  test('shares no file with the mirror that an agent could write', async () => {
    const workspace = await at.open();
    const objects = everythingIn(join(workspace.cwd, '.git/objects')).filter((path) => /pack$|^..\/.{38}/.test(path));
    expect(objects.filter((path) => statSync(join(workspace.cwd, '.git/objects', path)).isFile())).toEqual([]);
  });

  test('is removed, also what cannot be written in it', async () => {
    const workspace = await at.open();
    agent(workspace, 'mkdir -p x/y; echo > x/y/z; chmod -R a-w x');
    await workspace.close(true);
    expect(readdirSync(join(at.home, 'work'))).toEqual([]);
  });
});
