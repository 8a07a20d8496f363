import { expect } from 'vitest';
import type { TaskJson } from '../support/mesh.ts';
import { expectNothingLeft } from './leftovers.ts';
import { generalists, names, Scene } from './support.ts';

/** Long enough to be killed in the middle of; the greeting is changed at its end. */
const slowly = 'echo working && sleep 3 && sed -i s/helo/hello/ greeting.txt && echo mended';

export const runs = Number(process.env.SOAK_RUNS ?? 1);

export interface Assigned {
  readonly scene: Scene;
  /** The task when its first attempt had been assigned. */
  readonly task: TaskJson;
  readonly issue: number;
  readonly leader: string;
  readonly worker: string;
  readonly submitter: string;
}

/** Whom to kill, or null where this constellation does not show what is to be shown. */
export type Victim = (assigned: Assigned) => string | null;

/**
 * Submits issues until one has the wanted constellation of leader, worker and submitter, kills the victim in the middle
 * of the work, and waits for the end. At any moment there is one pull request at most, and one in the end.
 */
export async function killInTheMiddle(
  victim: Victim,
): Promise<{ readonly before: TaskJson; readonly after: TaskJson }> {
  await using scene = await Scene.start(generalists, slowly);
  const [assigned, killed] = await constellation(scene, victim);
  const observer = names.find((name) => name !== killed && name !== assigned.submitter) ?? '';
  await scene.peer(killed).end('SIGKILL');
  const after = await scene.done(observer, assigned.task.id, 60_000);
  expect(scene.pullsFor(assigned.issue)).toBe(1);
  expect(after.result?.pullRequest).not.toBeNull();
  await expectNothingLeft(scene.mesh);
  return { before: assigned.task, after };
}

async function constellation(scene: Scene, victim: Victim): Promise<readonly [Assigned, string]> {
  const issues = Array.from({ length: 40 }, (_, index) => 100 + index);
  // All at once: issues and pull requests are numbered in one row.
  for (const number of issues) {
    scene.github.addIssue({ number, title: `Fix greeting ${number}`, body: 'It says helo.', labels: [] });
  }
  for (const issue of issues) {
    const submitter = names[issue % names.length] ?? names[0];
    const id = await scene.submit(submitter, issue);
    const task = await scene.task(
      submitter,
      id,
      'a worker',
      ({ state, leader }) => (state === 'assigned' && leader !== null) || state === 'done',
    );
    // On a slow machine it has ended before it could be looked at.
    if (task.leader === null) continue;
    const assigned: Assigned = {
      scene,
      task,
      issue,
      submitter,
      leader: scene.peer(task.leader ?? '').name,
      worker: scene.peer(task.worker ?? '').name,
    };
    const killed = victim(assigned);
    if (killed !== null) return [assigned, killed];
    // On a slow machine it may have ended by now: as good.
    await scene.peer(submitter).cli(['cancel', id]);
  }
  throw new Error('the constellation did not come in 40 tries');
}
