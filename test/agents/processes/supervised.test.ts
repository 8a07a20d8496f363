import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProcessTree } from '../../../src/agents/processes/process-tree.ts';
import { type Supervised, supervise } from '../../../src/agents/processes/supervised.ts';
import { patientMs, waitFor } from '../../support/wait.ts';
import { alive, useFolder } from '../support.ts';

const folder = useFolder();
let mark = '';
let lines: string[] = [];

beforeEach(() => {
  mark = `supervised.${randomUUID()}`;
  lines = [];
});
// Also where a test has failed, nothing stays behind.
afterEach(() => new ProcessTree(mark).kill());

const command = (script: string, more: { readonly stdin?: string } = {}) => ({
  file: '/bin/sh',
  args: ['-c', script],
  cwd: folder.path,
  env: { PATH: process.env.PATH ?? '' },
  mark,
  stdin: '/dev/null',
  folder: folder.path,
  ...more,
});

const run = (script: string, more?: { readonly stdin?: string }): Promise<Supervised> =>
  supervise(command(script, more), (line, stream) => lines.push(`${stream}: ${line}`));

/** A child, one in a session of its own, and one that has lost its parent; then the script goes on. */
const spread = `
  sleep 300 &
  setsid sleep 300 &
  (setsid sh -c 'sleep 300 & sleep 300' >/dev/null 2>&1 &)
`;
const spreadOut = (): Promise<unknown> =>
  waitFor(
    'the tree to be up',
    () => alive(mark) >= 5,
    patientMs,
    () => alive(mark),
  );

describe('a command', () => {
  test('has the given input, environment and folder, and its output comes by line', async () => {
    const stdin = join(folder.path, 'in');
    writeFileSync(stdin, 'the prompt\n');
    const { done } = await run('cat; cat /dev/stdin; pwd; env | sort; printf "no end"; exit 3', { stdin });
    expect(await done).toEqual({ type: 'exited', code: 3, signal: null });
    const env = [`ISSUE_MESH_RUN=${mark}`, `PATH=${process.env.PATH}`, `PWD=${folder.path}`];
    expect(lines).toEqual(['the prompt', 'the prompt', folder.path, ...env, 'no end'].map((line) => `stdout: ${line}`));
  });

  test('may write to /dev/stdout and /dev/stderr', async () => {
    const { done } = await run('echo one > /dev/stdout; echo two > /dev/stderr');
    await done;
    expect(lines.sort()).toEqual(['stderr: two', 'stdout: one']);
  });

  test('a great deal of output arrives whole', async () => {
    const { done } = await run('seq 1 200000');
    await done;
    expect(lines.length).toBe(200_000);
    expect(lines.at(-1)).toBe('stdout: 200000');
  });

  test('that cannot be started says so', async () => {
    const { done } = await supervise({ ...command(''), file: '/does/not/exist' }, () => {});
    expect(await done).toMatchObject({ type: 'not-started', reason: expect.stringContaining('ENOENT') });
  });

  test('its supervisor has nothing of the peer’s environment', async () => {
    process.env.GITHUB_TOKEN = 'secret-for-the-test';
    try {
      const { done } = await run('tr "\\0" "\\n" < /proc/$PPID/environ; cat /proc/$PPID/cmdline');
      await done;
      expect(lines.join('\n')).toContain('supervisor');
      expect(lines.join('\n')).not.toContain('secret-for-the-test');
    } finally {
      delete process.env.GITHUB_TOKEN;
    }
  });
});

describe('no process is left', () => {
  test('when the command has ended', async () => {
    const { done } = await run(`${spread} until [ -e go ]; do sleep 0.1; done; exit 0`);
    await spreadOut();
    writeFileSync(join(folder.path, 'go'), '');
    expect(await done).toEqual({ type: 'exited', code: 0, signal: null });
    expect(alive(mark)).toBe(0);
  });

  test('when it is killed', async () => {
    const supervised = await run(`${spread} trap '' TERM INT HUP; wait`);
    await spreadOut();
    await supervised.kill();
    expect(alive(mark)).toBe(0);
    expect(await supervised.done).toMatchObject({ type: 'exited', signal: 'SIGKILL' });
  });

  test('of one that keeps starting others', async () => {
    const supervised = await run(
      'f() { while :; do (setsid sh -c "sleep 0.05; sleep 300" &); sleep 0.01; done; }; f & f & wait',
    );
    await waitFor(
      'some processes',
      () => alive(mark) > 20,
      patientMs,
      () => alive(mark),
    );
    await supervised.kill();
    expect(alive(mark)).toBe(0);
  });

  test.each([
    ['has a parent', (sleep: string) => `setsid env -i ${sleep} 300 & echo pid $!; wait`],
    ['has a process group', (sleep: string) => `(env -i ${sleep} 300 & echo pid $!); sleep 300`],
  ])('that has dropped its environment, but %s', async (_, script) => {
    const supervised = await run(script(execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim()));
    const line = await waitFor('the child', () => lines.find((one) => one.includes('pid')));
    const pid = Number(line.split(' ').at(-1));
    try {
      await waitFor('its environment to be gone', () => readFileSync(`/proc/${pid}/environ`, 'utf8') === '');
      await supervised.kill();
      expect(isGone(pid)).toBe(true);
    } finally {
      if (!isGone(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test('when the supervisor itself is killed', async () => {
    const supervised = await run(`${spread} echo supervisor $PPID; wait`);
    await spreadOut();
    const line = await waitFor('its pid', () => lines.find((one) => one.includes('supervisor')));
    process.kill(Number(line.split(' ').at(-1)), 'SIGKILL');
    expect(await supervised.done).toMatchObject({ type: 'not-started', reason: expect.stringContaining('SIGKILL') });
    expect(alive(mark)).toBe(0);
  });
});

describe('when the peer dies', () => {
  let parent: ChildProcess | null = null;
  const parentPath = fileURLToPath(new URL('./supervised-parent.ts', import.meta.url));

  afterEach(() => void parent?.kill('SIGKILL'));

  test('by kill -9, its agents’ whole trees end', async () => {
    parent = spawn(process.execPath, [parentPath, folder.path, mark, `${spread} echo $PPID; wait`], { stdio: 'pipe' });
    let output = '';
    parent.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    await spreadOut();
    const supervisor = await waitFor('the supervisor', () => /^\d+$/m.exec(output)?.[0]);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await waitFor(
      'the tree to end',
      () => alive(mark) === 0,
      patientMs,
      () => alive(mark),
    );
    await waitFor('the supervisor to end', () => isGone(Number(supervisor)));
  });
});

function isGone(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
