import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { listKept, sizeOf } from '../../../src/agents/workspace/kept.ts';
import type { Fate, Job, StopReason } from '../../../src/protocol/agent.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { waitFor } from '../../support/wait.ts';
import { type Attempt, usePc } from '../pc.ts';

const pc = usePc();
const fates = new Map<TaskId, Fate>();
let work = '';

beforeEach(() => {
  work = join(pc.home, 'work');
  fates.clear();
});

const start = (command: string, checkpointEveryMs = 600_000): Attempt =>
  pc.start(command, undefined, { checkpointEveryMs, fateOf: (task) => fates.get(task) ?? 'open' });

const kept = (): readonly string[] => pc.clones().filter((name) => name.startsWith('kept-'));
const fails = 'echo b > b.txt; exit 1';
/** As a peer leaves it that is killed while its agent works. */
async function killed(command: string): Promise<Job> {
  const { agents, job, said } = start(`${command}; echo up; exec sleep 600`);
  await said('up');
  const [name = ''] = pc.clones();
  const aside = join(pc.folder, 'aside');
  renameSync(join(work, name), aside);
  await agents.close();
  renameSync(aside, join(work, name));
  return job;
}

describe('a clone is kept', () => {
  test('with work that is nowhere else, and the log says where', async () => {
    const { reports, job, log } = start(fails);
    await reports.wait('failed');
    const [name = ''] = kept();
    expect(readFileSync(join(work, name, 'clone', 'b.txt'), 'utf8')).toBe('b\n');
    expect(await log()).toContain(join(work, name));
    const [one] = await listKept(work);
    expect(one).toMatchObject({ task: job.task.id, path: join(work, name) });
    expect(await sizeOf(one === undefined ? [] : [one])).toBeGreaterThan(1_000);
  });

  test('with what cannot be published', async () => {
    const { reports } = start('echo b > b.txt; git checkout -q --orphan o; git add .; git commit -qm o');
    await reports.wait('failed');
    expect(kept()).toHaveLength(1);
  });

  test('that a killed peer has left with work that was not saved', async () => {
    await killed('echo b > b.txt');
    const { reports } = start('exit 1');
    await reports.wait('failed');
    expect(kept()).toHaveLength(1);
    expect(existsSync(join(work, kept()[0] ?? '', 'clone', 'b.txt'))).toBe(true);
  });
});

describe('a clone is removed', () => {
  test.each<[string, string, StopReason | null]>([
    ['that nobody has changed', 'exit 1', null],
    ['of a task that a person has cancelled', 'echo b > b.txt; echo up; exec sleep 600', 'cancelled'],
    ['whose work was saved when it was handed over', 'echo b > b.txt; echo up; exec sleep 600', 'draining'],
  ])('%s', async (_, command, reason) => {
    const { agents, reports, job, said } = start(command);
    if (reason !== null) {
      await said('up');
      agents.stop(job.run, reason);
    }
    await (reason === null ? reports.wait('failed') : reports.wait('stopped'));
    expect(pc.clones()).toEqual([]);
  });

  test('whose work was saved while it went on', async () => {
    const { agents, reports, job } = start('echo b > b.txt; exec sleep 600', 100);
    await reports.wait('checkpoint');
    agents.stop(job.run, 'superseded');
    await reports.wait('stopped');
    expect(pc.clones()).toEqual([]);
  });

  test('that a killed peer has left without any change', async () => {
    await killed('true');
    const { reports } = start('exit 1');
    await reports.wait('failed');
    expect(pc.clones()).toEqual([]);
  });

  test('that was kept, once its task has a result', async () => {
    const { agents, reports, job } = start(fails);
    await reports.wait('failed');
    agents.ended(job.task.id);
    fates.set(job.task.id, 'failed');
    agents.ended(job.task.id);
    expect(kept()).toHaveLength(1);
    fates.set(job.task.id, 'settled');
    agents.ended(job.task.id);
    await waitFor('it is gone', () => kept().length === 0);
  });

  test('where its task has a result by the time that it ends', async () => {
    const { agents, reports, job, said } = start('echo b > b.txt; echo up; exec sleep 600');
    await said('up');
    fates.set(job.task.id, 'settled');
    agents.stop(job.run, 'superseded');
    await reports.wait('stopped');
    expect(pc.clones()).toEqual([]);
  });

  test('that was kept for long, or is one of many', async () => {
    const days = (count: number): number => Date.now() - count * 24 * 60 * 60_000;
    for (let i = 0; i < 22; i += 1) mkdirSync(join(work, `kept-abcdef12-${i}-${days(1) + i}`), { recursive: true });
    for (const age of [13, 15]) mkdirSync(join(work, `kept-abcdef12-99-${days(age)}`));
    const { reports } = start('exit 1');
    await reports.wait('failed');
    expect(kept()).toHaveLength(20);
    expect(kept().some((name) => name.startsWith('kept-abcdef12-99'))).toBe(false);
    expect(kept().some((name) => name.startsWith('kept-abcdef12-21-'))).toBe(true);
  });
});

describe('logs', () => {
  const logs = (): readonly string[] => readdirSync(join(pc.home, 'logs'));
  const logOf = (digit: string, ageDays: number, bytes = 10): TaskId => {
    const task = digit.repeat(64) as TaskId;
    const file = join(pc.home, 'logs', task, '1.log');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'x'.repeat(bytes));
    const at = Date.now() / 1000 - ageDays * 24 * 60 * 60;
    utimesSync(file, at, at);
    return task;
  };

  test('of tasks that have long ended are removed at the start', async () => {
    const [old, open, recent] = [logOf('a', 31), logOf('b', 31), logOf('c', 29)];
    fates.set(old, 'settled').set(recent, 'settled');
    const { reports, job } = start('exit 1');
    await reports.wait('failed');
    expect(logs().toSorted()).toEqual([open, recent, job.task.id].toSorted());
  });
});
