import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../support/wait.ts';
import { usePc, validMs, writes } from '../pc.ts';
import { alive, Reports } from '../support.ts';

const pc = usePc();

describe('stop', () => {
  test('ends the agent’s whole tree, then says so once', async () => {
    const { agents, reports, job, said } = pc.start('setsid sleep 300 & echo up; wait');
    await said('up');
    expect(alive(pc.mark)).toBeGreaterThan(1);
    agents.stop(job.run, 'cancelled');
    await reports.wait('stopped');
    expect(alive(pc.mark)).toBe(0);
    expect(pc.clones()).toEqual([]);
    expect(reports.all.at(-1)).toEqual({ type: 'stopped' });
  });

  test('while it waits for a grant: nothing is pushed', async () => {
    const { agents, reports, job } = pc.start(writes);
    await reports.wait('ready');
    agents.stop(job.run, 'superseded');
    agents.publish(job.run, 'push', validMs);
    await reports.wait('stopped');
    expect(pc.forge.pushes).toEqual([]);
  });

  test('at once after the start', async () => {
    const { agents, reports, job } = pc.start(writes);
    agents.stop(job.run, 'draining');
    await reports.wait('stopped');
    expect(reports.all).toEqual([{ type: 'stopped' }]);
  });

  test('of all by close, after which nothing starts', async () => {
    const { agents, reports, job } = pc.start('sleep 300');
    await waitFor('the agent', () => alive(pc.mark) > 0);
    await agents.close();
    expect(reports.all.at(-1)).toEqual({ type: 'stopped' });
    expect(alive(pc.mark)).toBe(0);
    const late = new Reports();
    agents.start(job, late.take);
    await late.wait('refused');
  });
});

test('what a killed peer has left of folders and processes is removed at the start', async () => {
  mkdirSync(join(pc.home, 'work', 'abcdef12-1', 'clone'), { recursive: true });
  mkdirSync(join(pc.home, 'tmp', 'branch-x'), { recursive: true });
  const env = { PATH: process.env.PATH, ISSUE_MESH_RUN: `${pc.mark}old` };
  const old = spawn('sleep', ['300'], { env, stdio: 'ignore', detached: true });
  const exit = once(old, 'exit');
  const { reports } = pc.start(writes);
  expect((await exit)[1]).toBe('SIGKILL');
  await reports.wait('ready');
  expect(pc.clones().length).toBe(1);
  expect(existsSync(join(pc.home, 'tmp'))).toBe(false);
});
