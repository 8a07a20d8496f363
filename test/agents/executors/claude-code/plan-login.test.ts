import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PlanLogin } from '../../../../src/agents/executors/claude-code/plan-login.ts';
import { claudeCodeSettings } from '../../../../src/agents/executors/claude-code/settings.ts';
import { useFolder } from '../../support.ts';
import { callsOf, standIn } from './support.ts';

const folder = useFolder();
const hourMs = 3_600_000;
const login = (accessToken: string, leftMs: number) => ({
  claudeAiOauth: { accessToken, refreshToken: 'worth one use', expiresAt: Date.now() + leftMs, scopes: [] },
});

/** The login of a person's, whose CLI makes `renewed` of it. */
function planOf(
  stored: unknown,
  renewed: unknown = null,
  env: Record<string, string> = {},
  platform?: NodeJS.Platform,
) {
  mkdirSync(join(folder.path, '.claude'), { recursive: true });
  const file = join(env.CLAUDE_CONFIG_DIR ?? join(folder.path, '.claude'), '.credentials.json');
  if (stored !== null) writeFileSync(file, JSON.stringify(stored));
  const { own } = claudeCodeSettings({ PATH: process.env.PATH ?? '', HOME: folder.path, ...env }, platform);
  return new PlanLogin(standIn(join(folder.path, 'cli'), { renewed }), own);
}
const hasRun = (): boolean => existsSync(join(folder.path, 'cli', 'calls'));

test('a token that is good for a while is taken as it is', async () => {
  const plan = planOf(login('good', hourMs));
  expect(await plan.isThere()).toBe(true);
  expect(await plan.token()).toBe('good');
  expect(hasRun()).toBe(false);
});

test('one that runs out is renewed by the person’s own CLI, in its own place and without our variables', async () => {
  const plan = planOf(login('old', 60_000), login('new', hourMs), { ANTHROPIC_API_KEY: 'a key', PEER_MESH_KEY: 'k' });
  expect(await plan.token()).toBe('new');
  expect(await plan.token()).toBe('new');
  const [call, ...more] = callsOf(join(folder.path, 'cli'));
  expect(more).toEqual([]);
  expect(call).toMatchObject({ args: ['auth', 'status'], cwd: folder.path, env: { HOME: folder.path } });
  expect(Object.keys(call?.env ?? {})).not.toEqual(expect.arrayContaining(['ANTHROPIC_API_KEY']));
  expect(JSON.stringify(call?.env)).not.toMatch(/PEER_MESH_KEY|CLAUDE_CONFIG_DIR/);
});

test('calls at one time renew it once', async () => {
  const plan = planOf(login('old', 60_000), login('new', hourMs));
  expect(await Promise.all([plan.token(), plan.token(), plan.token()])).toEqual(['new', 'new', 'new']);
  expect(callsOf(join(folder.path, 'cli'))).toHaveLength(1);
});

test('one that could not be renewed serves to its end, and then says the mend', async () => {
  expect(await planOf(login('old', 60_000), login('old', 60_000)).token()).toBe('old');
  await expect(planOf(login('old', -1), login('old', -1)).token()).rejects.toThrow(/\/login/);
});

test.each([null, { claudeAiOauth: null }, 'nothing of the kind'])('no login: %j', async (stored) => {
  const plan = planOf(stored);
  expect(await plan.isThere()).toBe(false);
  await expect(plan.token()).rejects.toThrow(/\/login/);
  expect(hasRun()).toBe(false);
});

test('it is where the person has it', async () => {
  const elsewhere = join(folder.path, 'elsewhere');
  mkdirSync(elsewhere);
  const plan = planOf(login('old', 0), login('new', hourMs), { CLAUDE_CONFIG_DIR: elsewhere });
  expect(await plan.token()).toBe('new');
  expect(callsOf(join(folder.path, 'cli'))[0]?.env).toMatchObject({ CLAUDE_CONFIG_DIR: elsewhere });
});

test('on a Mac it is in the keychain', async () => {
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  const secret = join(folder.path, 'secret.json');
  writeFileSync(secret, JSON.stringify(login('of the keychain', hourMs)));
  const find = 'find-generic-password -a somebody -w -s Claude Code-credentials';
  writeFileSync(join(bin, 'security'), `#!/bin/sh\n[ "$*" = "${find}" ] && cat '${secret}'\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}`, USER: 'somebody' };
  expect(await planOf(null, null, env, 'darwin').token()).toBe('of the keychain');
  expect(await planOf(null, null, env, 'linux').isThere()).toBe(false);
});
