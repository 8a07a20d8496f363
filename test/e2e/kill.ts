import { expect } from 'vitest';
import type { TaskJson } from '../support/mesh.ts';
import { letGo, untilLetGo } from './gate.ts';
import { expectNothingLeft } from './leftovers.ts';
import { generalists, names, Scene } from './support.ts';

/** How many times over each kill is shown. */
export const runs = Array.from({ length: Number(process.env.SOAK_RUNS ?? 1) }, (_, run) => run + 1);

/** Who is what for a task, by name. */
export interface Roles {
  readonly leader: string;
  readonly worker: string;
  readonly submitter: string;
}

/** Whom to kill, or null where this constellation does not show what is to be shown. */
export type Victim = (roles: Roles) => string | null;

interface Assigned extends Roles {
  readonly issue: number;
  /** The task when its first attempt had been assigned. */
  readonly task: TaskJson;
}

/** Issues and pull requests are numbered in one row, so all of them are there from the beginning. */
const issues = Array.from({ length: 400 }, (_, index) => 100 + index);

/** Five peers that can take everything, whose agents work until they are let go. */
export class Killing implements AsyncDisposable {
  readonly #scene: Scene;
  readonly #issues = issues.values();

  private constructor(scene: Scene) {
    this.#scene = scene;
  }

  static async start(): Promise<Killing> {
    const starts = generalists.map((start) => ({ ...start, args: ['--capacity', '20'] }));
    const scene = await Scene.start(starts, untilLetGo('sed -i s/helo/hello/ greeting.txt && echo mended'));
    for (const number of issues) {
      scene.github.addIssue({ number, title: `Fix greeting ${number}`, body: 'It says helo.', labels: [] });
    }
    return new Killing(scene);
  }

  makeWhole(): Promise<void> {
    return this.#scene.mesh.makeWhole();
  }

  /**
   * Kills the victim in the middle of the work, and waits for the end. At any moment there is one pull request at most,
   * and one in the end.
   */
  async inTheMiddle(victim: Victim): Promise<{ readonly before: TaskJson; readonly after: TaskJson }> {
    const scene = this.#scene;
    const [{ task, issue, submitter }, killed] = await this.#constellation(victim);
    const observer = names.find((name) => name !== killed && name !== submitter) ?? '';
    await scene.peer(killed).end('SIGKILL');
    const isDone = ({ state }: TaskJson): boolean => {
      letGo(scene.mesh);
      return state === 'done';
    };
    const after = await scene.task(observer, task.id, 'the task is done', isDone, 60_000);
    expect(scene.pullsFor(issue)).toBe(1);
    expect(after.result?.pullRequest).not.toBeNull();
    await expectNothingLeft(scene.mesh);
    return { before: task, after };
  }

  /** Everybody submits an issue, until one has the wanted constellation; the others are cancelled. */
  async #constellation(victim: Victim): Promise<readonly [Assigned, string]> {
    for (let round = 0; round < 20; round += 1) {
      const all = await Promise.all(names.map((submitter) => this.#submitted(submitter)));
      const found = all.find((assigned) => victim(assigned) !== null);
      const others = all.filter((assigned) => assigned !== found);
      await Promise.all(others.map(({ task, submitter }) => this.#scene.peer(submitter).cancel(task.id)));
      if (found !== undefined) return [found, victim(found) ?? ''];
    }
    throw new Error('the constellation did not come in a hundred tasks');
  }

  async #submitted(submitter: string): Promise<Assigned> {
    const issue = this.#issues.next().value ?? 0;
    const id = await this.#scene.submit(submitter, issue);
    const isAssigned = ({ state, leader }: TaskJson): boolean => state === 'assigned' && leader !== null;
    const task = await this.#scene.task(submitter, id, 'a worker', isAssigned);
    const nameOf = (peer: string | null): string => this.#scene.peer(peer ?? '').name;
    return { issue, task, submitter, leader: nameOf(task.leader), worker: nameOf(task.worker) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scene[Symbol.asyncDispose]();
  }
}
