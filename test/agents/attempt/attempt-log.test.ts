import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { AttemptLogs } from '../../../src/agents/attempt/attempt-log.ts';
import type { LogPiece } from '../../../src/protocol/agent.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
const task = 'ab'.repeat(32) as TaskId;
let logs: AttemptLogs;

beforeEach(() => {
  logs = new AttemptLogs(folder.path);
});

const read = async (offset: number, limitBytes = 1_000, attempt: number | null = 1): Promise<LogPiece> => {
  const piece = await logs.read({ task, attempt, offset, limitBytes });
  if ('unavailable' in piece) throw new Error(piece.unavailable);
  return piece;
};

test('is read while it grows, and says when it has ended', async () => {
  const log = logs.open(task, 1);
  log.write('one');
  const first = await read(0);
  expect(first).toEqual({ attempt: 1, text: 'one\n', nextOffset: 4, end: false });
  expect(await read(first.nextOffset)).toMatchObject({ text: '', nextOffset: 4, end: false });
  log.write('two');
  log.close();
  expect(await read(first.nextOffset)).toEqual({ attempt: 1, text: 'two\n', nextOffset: 8, end: true });
});

test('is cut between characters, and nothing of it is lost', async () => {
  const text = 'aä€😀'.repeat(50);
  const log = logs.open(task, 1);
  log.write(text);
  log.close();
  for (const limitBytes of [4, 5, 6, 7]) {
    let seen = '';
    for (let offset = 0; ; ) {
      const piece = await read(offset, limitBytes);
      seen += piece.text;
      offset = piece.nextOffset;
      if (piece.end) break;
    }
    expect(seen).toBe(`${text}\n`);
  }
});

test('is bounded, and says so', async () => {
  logs = new AttemptLogs(folder.path, 100);
  const log = logs.open(task, 1);
  for (let i = 0; i < 100; i++) log.write('0123456789');
  log.close();
  const { text, nextOffset } = await read(0);
  expect(nextOffset).toBeLessThan(200);
  expect(text.split('\n').slice(-2)).toEqual(['(the log is full; the rest is left out)', '']);
});

test('survives the peer: an earlier process’s log has ended', async () => {
  logs.open(task, 1).write('cut off');
  logs = new AttemptLogs(folder.path);
  expect(await read(0)).toMatchObject({ text: 'cut off\n', end: true });
});

describe('of which attempt', () => {
  test('null is the latest', async () => {
    for (const attempt of [2, 10, 9]) {
      const log = logs.open(task, attempt);
      log.write(`attempt ${attempt}`);
      log.close();
    }
    expect(await read(0, 1_000, null)).toMatchObject({ attempt: 10, text: 'attempt 10\n' });
  });

  test.each([null, 7])('one that was not made here (%s) is unavailable', async (attempt) => {
    expect(await logs.read({ task, attempt, offset: 0, limitBytes: 10 })).toHaveProperty('unavailable');
  });
});

test('of all, the oldest go where there are too many bytes, but for tasks that are under way', async () => {
  const ids = ['1', '2', '3', '4'].map((digit) => digit.repeat(64) as TaskId);
  for (const [i, id] of ids.entries()) {
    const log = logs.open(id, 1);
    log.write('x'.repeat(99));
    log.close();
    const at = Date.now() / 1000 - 1_000 + i;
    utimesSync(join(folder.path, 'logs', id, '1.log'), at, at);
  }
  await logs.prune((id) => id === ids[0], 200);
  expect(readdirSync(join(folder.path, 'logs')).toSorted()).toEqual([ids[0], ids[2], ids[3]]);
});
