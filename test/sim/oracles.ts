import type { RunId, TaskId } from '../../src/protocol/ids.ts';
import { isTerminal } from '../../src/protocol/state.ts';
import type { World } from './world.ts';

/** What is wrong with a run of the world so far; empty when every invariant held. */
export function violations(world: World): readonly string[] {
  const forced = forcedTasks(world);
  const quorate = (text: string): boolean => ![...forced].some((task) => text.includes(task));
  return [...contested(world), ...overfull(world), ...startedTwice(world), ...overlappingGrants(world)].filter(quorate);
}

/** I1 and I9 are promised for electorates of 1, 3 and 5: not where one of two has ever gone on alone. */
const forcedTasks = (world: World): ReadonlySet<TaskId> =>
  new Set(
    world.events.flatMap(({ event }) => (event.type === 'generation' && event.generation.forced ? [event.task] : [])),
  );

/** I1: at any true time at most one peer believes it holds the lease of a task (electorates of 1, 3 and 5). */
function contested(world: World): readonly string[] {
  return world.contested.map(({ at, task, leaders }) => `I1: ${leaders.join(' and ')} lead ${task} at ${at}`);
}

/** I7: no peer runs more attempts than its capacity. */
function overfull(world: World): readonly string[] {
  return world.started
    .filter(({ peer, running }) => running > world.capacity(peer))
    .map(({ at, peer, running }) => `I7: ${peer} runs ${running} attempts at ${at}`);
}

/** An attempt is started once, by one peer: its number is what a person and the forge tell attempts apart by. */
function startedTwice(world: World): readonly string[] {
  const first = new Map<RunId, string>();
  return world.started.flatMap(({ at, peer, job: { run } }) => {
    const before = first.get(run);
    if (before === undefined) first.set(run, peer);
    return before === undefined ? [] : [`${run} was started by ${before}, and by ${peer} at ${at}`];
  });
}

/** I9: at most one unexpired publish grant per task. A grant ends with its agent, since nobody else could use it. */
function overlappingGrants(world: World): readonly string[] {
  const endedAt = new Map(world.ended.map(({ run, at }) => [run, at]));
  const grants = world.published.map(({ at, peer, run, validMs }) => {
    const until = Math.min(at + validMs, endedAt.get(run) ?? Number.POSITIVE_INFINITY);
    return { task: run.split('/')[0], at, peer, run, until };
  });
  return grants.flatMap((one, index) =>
    grants
      .slice(0, index)
      .filter((other) => other.task === one.task && other.run !== one.run && other.until > one.at)
      .map(
        (other) =>
          `I9: ${one.run} of ${one.peer} granted at ${one.at}, ${other.run} of ${other.peer} until ${other.until}`,
      ),
  );
}

/** I8: what a person could see as the end of a task is never taken back, on whatever peer they look. */
export class EndsAreFinal {
  readonly #ends = new Map<TaskId, string>();

  look(world: World): readonly string[] {
    return world.names.flatMap((name) =>
      world.tasks(name).flatMap(({ task, state }) => {
        const known = this.#ends.get(task.id);
        const end = isTerminal(state) ? JSON.stringify(state.phase) : null;
        if (known === undefined && end !== null) this.#ends.set(task.id, end);
        const isWrong = known !== undefined && end !== null && known !== end;
        return isWrong ? [`I8: ${task.id} ended ${known}, and for ${name} ${end}`] : [];
      }),
    );
  }
}
