import { originId } from '../../../src/protocol/generation.ts';
import type { GenerationId, PeerId, TaskId } from '../../../src/protocol/ids.ts';
import { branchOf, repositoryText, type Task } from '../../../src/protocol/record.ts';
import type { Observation, Observer } from '../observation.ts';

/** `task` is null where none is concerned. */
export interface Finding {
  readonly invariant: string;
  readonly at: number;
  readonly task: TaskId | null;
  readonly text: string;
}
export type Report = (finding: Finding) => void;
/** The id of the peer that observations name so. */
export type IdOf = (peer: string) => PeerId;

/** The invariants that are promised for electorates of 1, 3 and 5 only. */
const quorate: readonly string[] = ['I1', 'I6', 'I9'];

/** Tasks in whose life an electorate of two has been, or a generation made without a majority. */
export class Electorates implements Observer {
  readonly #origins = new Map<TaskId, number>();
  readonly #unquorate = new Set<TaskId>();
  readonly #forced = new Set<TaskId>();

  see(observation: Observation): void {
    if (observation.type === 'record') {
      const { id, body } = observation.task;
      this.#origins.set(id, body.electorate.length);
      if (body.electorate.length === 2) this.#unquorate.add(id);
    } else if (observation.type === 'register') {
      const generation = observation.register.initial?.generation ?? null;
      if (generation === null) return;
      if (generation.forced) this.#forced.add(observation.task);
      if (generation.forced || generation.electorate.length === 2) this.#unquorate.add(observation.task);
    }
  }

  /** Two lives of the task may meet. */
  mayFork(task: TaskId): boolean {
    return this.#forced.has(task);
  }

  isExempt(invariant: string, task: TaskId | null): boolean {
    return task !== null && quorate.includes(invariant) && this.#unquorate.has(task);
  }

  originSize(task: TaskId): number {
    return this.#origins.get(task) ?? 0;
  }
}

export const generationOfRegister = (register: Extract<Observation, { type: 'register' }>['register']): GenerationId =>
  register.initial?.generation?.id ?? originId;

/** Where a task's result goes: what must hold one pull request at most. */
export const placeOf = (task: Pick<Task, 'id' | 'body'>): string =>
  `${repositoryText(task.body.repository)}:${branchOf(task)}`;
