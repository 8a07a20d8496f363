import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessTree } from '../../../src/agents/processes/process-tree.ts';
import { MarkVariable } from '../../../src/agents/processes/processes.ts';
import { whileStill } from '../../../src/agents/processes/still.ts';
import { waitFor } from '../../support/wait.ts';
import { alive, useFolder } from '../support.ts';

const folder = useFolder();

/** Two that count, one in a session of its own, and short-lived children of both. */
const script =
  'count() { i=0; while :; do i=$((i+1)); /bin/echo $i > $1; done; }; setsid sh -c "$(declare -f count); count b" & count a';

test('whatever a run has started stands still while it is read, and goes on after', async () => {
  const mark = `still.${randomUUID()}`;
  const child = spawn('/bin/bash', ['-c', script], {
    cwd: folder.path,
    env: { PATH: process.env.PATH, [MarkVariable]: mark },
  });
  const tree = new ProcessTree(mark);
  const counts = (): string => ['a', 'b'].map((name) => readFileSync(join(folder.path, name), 'utf8')).join();
  const grown = (than: string): Promise<unknown> =>
    waitFor('both count', () => {
      const [a, b] = [than.split('\n,'), counts().split('\n,')];
      return a[0] !== b[0] && a[1] !== b[1];
    });
  try {
    await waitFor('both have begun', () => {
      try {
        return counts() !== ',';
      } catch {
        return false;
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const during = await whileStill(tree, async () => {
        const before = counts();
        for (let i = 0; i < 20; i += 1) execFileSync('true');
        expect(counts()).toBe(before);
        return before;
      });
      await grown(during);
    }
    await expect(whileStill(tree, () => Promise.reject(new Error('it fails')))).rejects.toThrow('it fails');
    await grown(counts());
  } finally {
    await tree.kill();
    child.kill('SIGKILL');
  }
});

/** A process that waits for its child by vfork, which waits for somebody at the other end of a pipe before it runs its program. */
const vforks = `
import os
wait = (os.POSIX_SPAWN_OPEN, 0, 'pipe', os.O_RDONLY, 0)
child = os.posix_spawn('/bin/sh', ['sh', '-c', 'echo ran > ran.txt'], os.environ, file_actions=[wait])
os.waitpid(child, 0)
`;
const noPython = spawnSync('python3', ['--version']).error !== undefined;
if (noPython) console.log('a process in the middle of a vfork is not tested: there is no python3');

const noVforks = process.platform !== 'linux' || noPython;

test.skipIf(noVforks)('so does a process that cannot stop, since its child by vfork has', async () => {
  const mark = `still.${randomUUID()}`;
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
  const env = { PATH: process.env.PATH, [MarkVariable]: mark };
  const child = spawn('python3', ['-c', vforks], { cwd: folder.path, env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const tree = new ProcessTree(mark);
  const isInVfork = (): boolean =>
    alive(mark) === 2 && readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') D ');
  try {
    await waitFor('the vfork', isInVfork);
    expect(await whileStill(tree, async () => 'read')).toBe('read');
    execFileSync('sh', ['-c', ': > pipe'], { cwd: folder.path });
    expect((await ended)[0]).toBe(0);
    expect(readFileSync(join(folder.path, 'ran.txt'), 'utf8')).toBe('ran\n');
  } finally {
    await tree.kill();
  }
});
