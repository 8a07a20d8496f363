import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { listProcesses, parsePs, parseStat } from '../../../src/agents/processes/processes.ts';

const fields = '0 -1 4194304 140 0 0 0 1 2 3 4 20 0 1 0 98765 2473984';

test('a process named to confuse is read right', () => {
  expect(parseStat(`42 (a) R 1 1 1) S 7 42 41 ${fields}`)).toEqual({
    pid: 42,
    ppid: 7,
    group: 42,
    session: 41,
    started: '98765',
  });
});

test.each(['', '42 (sh) Z 7 42 41 '.concat(fields)])('what has ended is no process (%s)', (stat) => {
  expect(parseStat(stat)).toBeNull();
});

test('the table of ps', () => {
  const table = [
    '    1     0     1 Ss   Mon Nov  2 09:00:00 2026',
    '  812   811   810 R+   Mon Nov  2 09:10:11 2026',
    '  813   811   810 Z    Mon Nov  2 09:10:11 2026',
    '',
  ].join('\n');
  expect(parsePs(table)).toEqual([
    { pid: 1, ppid: 0, group: 1, session: null, started: 'Mon Nov  2 09:00:00 2026' },
    { pid: 812, ppid: 811, group: 810, session: null, started: 'Mon Nov  2 09:10:11 2026' },
  ]);
});

test('a mark is found by its beginning, and only as the whole variable', async () => {
  const marks = { ISSUE_MESH_RUN: 'list-test.1', OTHER: 'ISSUE_MESH_RUN=list-test.2' };
  const child = spawn('sleep', ['60'], { env: { PATH: process.env.PATH, ...marks }, stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    const find = (mark: string) => listProcesses(mark).find(({ pid }) => pid === child.pid);
    expect(find('list-test.')).toMatchObject({ ppid: process.pid, marked: true });
    expect(find('list-test.1')?.marked).toBe(true);
    expect(find('list-test.2')?.marked).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
