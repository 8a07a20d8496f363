import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Executor, ExecutorContext, ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { type FreeBytes, freeBytesOf } from '../../../src/agents/workspace/space.ts';
import { usePc } from '../pc.ts';
import type { Reports } from '../support.ts';

const pc = usePc();

type Run = (context: ExecutorContext, onEvent: (event: ExecutorEvent) => void) => ReturnType<Executor['run']>;

function start(run: Run, freeBytes: FreeBytes = freeBytesOf): Reports {
  const executor: Executor = { name: 'troublesome', session: null, usable: async () => ({ usable: true }), run };
  return pc.start(executor, undefined, { freeBytes }).reports;
}

const noAccess = (): Error => Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });

test('what keeps an agent from starting is this PC’s trouble, and no failure', async () => {
  const reports = start(() => Promise.reject(noAccess()));
  expect(await reports.wait('refused')).toMatchObject({ reason: 'EACCES: permission denied' });
});

test('what comes after its first word may be of its making, and is one', async () => {
  const reports = start((_, onEvent) => {
    onEvent({ type: 'output', line: 'chmod 000 .', stream: 'stdout' });
    return Promise.reject(noAccess());
  });
  expect(await reports.wait('failed')).toMatchObject({ final: false, reason: 'EACCES: permission denied' });
});

test('an agent that fills the disk is stopped while the peer still has room, and what it has made goes', async () => {
  const gib = 1024 ** 3;
  let free = 2 * gib;
  const reports = start(
    ({ cwd, signal }) =>
      new Promise((resolve) => {
        writeFileSync(join(cwd, 'large.txt'), 'x');
        free = gib / 4;
        signal.addEventListener('abort', () => resolve({ type: 'interrupted' }));
      }),
    async () => free,
  );
  expect(await reports.wait('failed')).toMatchObject({
    final: false,
    reason: expect.stringMatching(/less than 0\.5 GiB.*disk/),
  });
  expect(pc.clones()).toEqual([]);
});
