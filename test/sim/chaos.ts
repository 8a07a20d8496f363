import type { TaskId } from '../../src/protocol/ids.ts';
import { isTerminal } from '../../src/protocol/state.ts';
import { EndsAreFinal, violations } from './oracles.ts';
import { seeded } from './random.ts';
import { type AgentScript, type PublishScript, publishesAtOnce, readyToPush } from './script.ts';
import { World } from './world.ts';

const faultsMs = 40_000;
const boundMs = 150_000;

interface Chance {
  readonly between: (low: number, high: number) => number;
  readonly pick: <T>(of: readonly T[]) => T;
}

function chanceOf(random: () => number): Chance {
  const between = (low: number, high: number): number => low + random() * (high - low);
  return {
    between,
    pick: (of) => {
      const chosen = of[Math.floor(random() * of.length)];
      if (chosen === undefined) throw new Error('nothing to pick from');
      return chosen;
    },
  };
}

/** Agents that take their time, sometimes fail, and sometimes hang with a grant in their hands. */
function scripts({ between }: Chance): { readonly agent: AgentScript; readonly publish: PublishScript } {
  return {
    agent: () => {
      const workMs = between(100, 6_000);
      return between(0, 1) < 0.1
        ? [[workMs, { type: 'failed', reason: 'no', final: false, costUsd: null }]]
        : [[workMs, readyToPush]];
    },
    publish: (job, step, peer) => {
      const published = publishesAtOnce(job, step, peer);
      return published && [between(1, 20_000), published[1]];
    },
  };
}

/** One fault, or the end of one. */
function strike(world: World, { between, pick }: Chance): void {
  const name = pick(world.names);
  const luck = between(0, 1);
  if (!world.isUp(name)) return world.start(name);
  if (world.isPaused(name)) return world.resume(name);
  if (luck < 0.3) return world.kill(name);
  if (luck < 0.5) return world.pause(name);
  if (luck < 0.7) {
    const some = world.names.filter(() => between(0, 1) < 0.4);
    return world.cut(
      some,
      world.names.filter((one) => !some.includes(one)),
    );
  }
  world.heal();
}

function recover(world: World): void {
  world.heal();
  for (const name of world.names) {
    if (!world.isUp(name)) world.start(name);
    if (world.isPaused(name)) world.resume(name);
  }
}

/** Forty seconds of faults, then peace: what the world looked like, and what was wrong with it. */
export function live(seed: number): { readonly world: World; readonly wrong: readonly string[] } {
  const chance = chanceOf(seeded(seed * 7_919));
  const specs = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'].map((name) => ({
    name,
    capacity: chance.pick([1, 1, 2]),
    rate: chance.between(0.97, 1.03),
  }));
  const world = new World(specs, { seed, ...scripts(chance) });
  const ends = new EndsAreFinal();
  const wrong: string[] = [];
  const asked: string[] = [];
  world.runFor(100);
  while (world.nowMs < faultsMs) {
    const up = world.names.filter((name) => world.isUp(name));
    if (asked.length < 5 && up.length > 0) asked.push(world.submit(chance.pick(up)));
    world.runFor(chance.between(10, 3_000));
    strike(world, chance);
    wrong.push(...ends.look(world));
  }
  recover(world);
  const acknowledged = (): readonly TaskId[] =>
    asked.flatMap((key) => {
      const reply = world.replies.get(key);
      return reply?.type === 'submitted' ? [reply.task] : [];
    });
  const unended = (): readonly string[] =>
    acknowledged().flatMap((task) =>
      world.names.flatMap((name) => {
        const view = world.task(name, task);
        return view !== null && isTerminal(view.state) ? [] : [`I4: ${task} is ${view?.state.phase.name} at ${name}`];
      }),
    );
  try {
    world.until('every acknowledged task has ended, everywhere', () => unended().length === 0, boundMs);
  } catch {
    wrong.push(...unended());
  }
  wrong.push(...ends.look(world), ...violations(world));
  return { world, wrong };
}
