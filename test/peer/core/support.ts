import type { PeerId, RunId, TaskId } from '../../../src/protocol/ids.ts';
import type { Phase, TaskState } from '../../../src/protocol/state.ts';
import type { PeerSpec } from '../../sim/records.ts';
import type { World } from '../../sim/world.ts';

export const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'] as const;
export const five: readonly PeerSpec[] = names.map((name) => ({ name }));

/** The task that a submission was acknowledged with. @throws when it was not. */
export function submitted(world: World, key: string): TaskId {
  const reply = world.reply(key);
  if (reply.type !== 'submitted') throw new Error(`answered ${JSON.stringify(reply)}`);
  return reply.task;
}

/** A task of alpha's, submitted once the peers have found each other. */
export function firstTask(world: World): TaskId {
  world.runFor(100);
  return submitted(world, world.submit('alpha'));
}

/** The names of the peers on which an agent of the task runs. */
export const workersOf = (world: World, task: TaskId): readonly string[] =>
  world.names.filter((name) => world.running(name).some((job) => job.task.id === task));

/** Waits for the one peer that works on it. */
export function workerOf(world: World, task: TaskId, withinMs = 10_000): string {
  world.until('a worker', () => workersOf(world, task).length === 1, withinMs);
  return workersOf(world, task)[0] ?? '';
}

/** Who holds the task's lease, by its own word and those of all who lost it. */
export function leaderOf(world: World, task: TaskId): string | null {
  let leader: string | null = null;
  for (const { peer, event } of world.events) {
    if (event.type !== 'lease' || event.task !== task) continue;
    if (event.change === 'won') leader = peer;
    else if (leader === peer) leader = null;
  }
  return leader;
}

export const electorsOf = (world: World, task: TaskId): readonly string[] => {
  for (const name of world.names) {
    const view = world.task(name, task);
    if (view !== null) return view.electors.map(({ peer }) => world.nameOf(peer));
  }
  throw new Error(`nobody knows ${task}`);
};

export const others = (world: World, ...without: readonly string[]): readonly string[] =>
  world.names.filter((name) => !without.includes(name));

export const stateAt = (world: World, name: string, task: TaskId): TaskState | null =>
  world.task(name, task)?.state ?? null;

export const phaseAt = (world: World, name: string, task: TaskId): Phase['name'] | null =>
  stateAt(world, name, task)?.phase.name ?? null;

/** Waits until every peer that is up knows the task in this phase. */
export function untilPhase(world: World, task: TaskId, phase: Phase['name'], withinMs = 60_000): void {
  const up = (): readonly string[] => world.names.filter((name) => world.isUp(name));
  world.until(
    () => `${phase} everywhere; ${up().map((name) => `${name}: ${phaseAt(world, name, task)}`)}`,
    () => up().every((name) => phaseAt(world, name, task) === phase),
    withinMs,
  );
}

export const runOf = (task: TaskId, attempt: number): RunId => `${task}/${attempt}` as RunId;
export const outcomes = (state: TaskState | null): readonly (string | null)[] =>
  (state?.attempts ?? []).map(({ outcome }) => outcome?.type ?? null);
export type { PeerId };
