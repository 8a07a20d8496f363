import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ClosableAgentRunner, createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import type { Executor, ExecutorContext, ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { type FreeBytes, freeBytesOf } from '../../../src/agents/workspace/space.ts';
import { PathForge } from '../path-forge.ts';
import { CheckpointFolderFiles, jobFor, makeRepository, Reports, taskFor, thisHost, useFolder } from '../support.ts';

const folder = useFolder();
let origin = '';
let runner: ClosableAgentRunner | null = null;

beforeEach(() => {
  origin = makeRepository(folder.path);
});
afterEach(() => runner?.close());

type Run = (context: ExecutorContext, onEvent: (event: ExecutorEvent) => void) => ReturnType<Executor['run']>;

function start(run: Run, freeBytes: FreeBytes = freeBytesOf): Reports {
  runner = createAgentRunner({
    home: join(folder.path, 'home'),
    host: thisHost,
    executor: { name: 'troublesome', session: null, usable: async () => ({ usable: true }), run },
    forgeFor: () => new PathForge(origin),
    files: new CheckpointFolderFiles(join(folder.path, 'checkpoints')),
    checkpointEveryMs: 600_000,
    freeBytes,
    specialists: { specialists: [], problems: [] },
  });
  const reports = new Reports();
  runner.start(jobFor(taskFor(origin)), reports.take);
  return reports;
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
  expect(readdirSync(join(folder.path, 'home', 'work'))).toEqual([]);
});
