import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TaskJson } from '../support/mesh.ts';
import { patientMs, waitFor } from '../support/wait.ts';
import { expectNothingLeft, supervisorsOf } from './leftovers.ts';
import { Scene } from './support.ts';

const victims = ['alpha', 'beta', 'gamma'] as const;
const slots = 5;
const atLeast = 50;
/** Enough for every slot; five lapses end a task, and then the next issue takes its place. */
const open = victims.length * slots;

/** Until the repository says stop: work for ten minutes, with children that leave for sessions of their own, and a folder that resists. */
const command = [
  'if [ -e stop.txt ]; then echo done > done.txt; exit 0; fi',
  '(setsid sh -c "setsid sleep 600 & sleep 600" &)',
  'mkdir -p stubborn/inside && touch stubborn/inside/file && chmod 500 stubborn/inside stubborn',
  'echo waiting; exec sleep 600',
].join('\n');

it('fifty attempts that were killed with their peers, or with their supervisors, leave nothing behind', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'many-kills-'));
  const workers = victims.map((name) => ({ name, args: ['--capacity', String(slots)], env: { TMPDIR: temporary } }));
  // Two that only keep the tasks, so that electorates live through it all.
  const keepers = ['delta', 'epsilon'].map((name) => ({ name, args: ['--capacity', '0'], env: { TMPDIR: temporary } }));
  await using scene = await Scene.start([...keepers, ...workers], command);
  const ids: string[] = [];
  const issueOf = (index: number): number => 300 + index;
  const tasks = async () => (await scene.status('delta')).tasks;
  const attempts = async (): Promise<number> => (await tasks()).reduce((sum, { attempt }) => sum + attempt, 0);
  const runningOn = async (name: string): Promise<number> =>
    (await scene.status('delta')).peers.find((peer) => peer.name === name)?.running ?? 0;
  const hasEnded = ({ state }: TaskJson): boolean => state === 'done' || state === 'failed';
  const topUp = async (): Promise<void> => {
    const missing = open - (await tasks()).filter((task) => !hasEnded(task)).length;
    const numbers = Array.from({ length: missing }, (_, index) => issueOf(ids.length + index));
    for (const number of numbers) {
      scene.github.addIssue({ number, title: `Fix ${number}`, body: 'It says helo.', labels: [] });
    }
    ids.push(...(await Promise.all(numbers.map((issue) => scene.submit('delta', issue)))));
  };
  for (let kills = 0; (await attempts()) < atLeast; kills += 1) {
    await topUp();
    const victim = scene.peer(victims[kills % victims.length] ?? '');
    await waitFor(`${victim.name} is busy`, async () => (await runningOn(victim.name)) >= 3, patientMs, tasks);
    const supervisors = supervisorsOf(victim.pid);
    await victim.end('SIGKILL');
    // Every third time nobody is left to clean up but the peer that comes next.
    if (kills % 3 === 2) for (const pid of supervisors) killNow(pid);
    await victim.start();
  }
  const folder = join(temporary, 'stop');
  execFileSync('git', ['clone', '--quiet', scene.bare, folder]);
  const author = ['-c', 'user.name=p', '-c', 'user.email=p@localhost'];
  execFileSync('sh', ['-c', 'echo stop > stop.txt && git add .'], { cwd: folder });
  execFileSync('git', [...author, 'commit', '--quiet', '-m', 'stop'], { cwd: folder });
  execFileSync('git', ['push', '--quiet', 'origin', 'HEAD:main'], { cwd: folder });
  rmSync(folder, { recursive: true });
  for (const name of victims) {
    await scene.peer(name).end('SIGKILL');
    await scene.peer(name).start();
  }
  await waitFor('every task has ended', async () => (await tasks()).every(hasEnded), 120_000, tasks);
  const all = await tasks();
  const failed = all.filter(({ state }) => state === 'failed').map(({ id }) => id);
  console.log(`many-kills: ${await attempts()} attempts at ${all.length} tasks, of which ${failed.length} have failed`);
  expect(ids.filter((id) => !all.some((task) => task.id === id))).toEqual([]);
  expect(ids.map((_, index) => issueOf(index)).filter((issue) => scene.pullsFor(issue) > 1)).toEqual([]);
  await expectNothingLeft(scene.mesh, failed);
  expect(readdirSync(temporary)).toEqual([]);
  const left = (): readonly string[] =>
    scene.mesh.peers
      .flatMap(({ home }) => readdirSync(home, { recursive: true, encoding: 'utf8' }))
      .filter((path) => /\.lock$|tmp_|checkpoints\/./.test(path));
  await waitFor('no lock and no checkpoint is left', () => left().length === 0, patientMs, left);
  rmSync(temporary, { recursive: true });
}, 300_000);

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
