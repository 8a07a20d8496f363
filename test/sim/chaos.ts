import type { TaskId } from '../../src/protocol/ids.ts';
import { promptKey } from '../../src/protocol/record.ts';
import { isTerminal, type Phase } from '../../src/protocol/state.ts';
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

/** Agents that take their time and sometimes fail, and pushes that take most of their grant. */
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
  if (luck < 0.45) return world.pause(name);
  if (luck < 0.65) {
    const some = world.names.filter(() => between(0, 1) < 0.4);
    return world.cut(
      some,
      world.names.filter((one) => !some.includes(one)),
    );
  }
  if (luck < 0.7) return world.input(name, { type: 'woke', lostMs: 60_000 });
  if (luck < 0.75) {
    world.command(name, { type: 'drain' });
    return world.exit(name);
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

/** What people ask for, and what they were told. */
class People {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #submissions: string[] = [];
  readonly #cancels = new Map<string, TaskId>();

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  /** One of them does something, at a peer that is up: sometimes what another does elsewhere. */
  act(): void {
    const { between, pick } = this.#chance;
    const up = this.#world.names.filter((name) => this.#world.isUp(name) && !this.#world.isPaused(name));
    if (up.length === 0) return;
    const name = pick(up);
    if (this.#submissions.length < 6) {
      const shared = between(0, 1) < 0.4 ? { key: promptKey('the same') } : {};
      this.#submissions.push(this.#world.submit(name, shared));
    } else if (between(0, 1) < 0.05) {
      const [view] = this.#world.tasks(name);
      const task = view?.task.id;
      if (task === undefined) return;
      this.#cancels.set(this.#world.command(name, { type: 'cancel', task, reason: 'enough' }), task);
    }
  }

  acknowledged(): readonly TaskId[] {
    return this.#submissions.flatMap((key) => {
      const reply = this.#world.replies.get(key);
      return reply?.type === 'submitted' || reply?.type === 'existing' ? [reply.task] : [];
    });
  }

  /** I4: the acknowledged tasks that some peer does not know to have ended. */
  unended(): readonly string[] {
    return this.acknowledged().flatMap((task) =>
      this.#world.names.flatMap((name) => {
        const view = this.#world.task(name, task);
        return view !== null && isTerminal(view.state) ? [] : [`I4: ${task} is ${view?.state.phase.name} at ${name}`];
      }),
    );
  }

  /** I8: who was told `cancelled` finds it so; and no two tasks gave way to each other. */
  deceived(): readonly string[] {
    const phaseOf = (task: TaskId): Phase | undefined => this.#world.task('alpha', task)?.state.phase;
    const uncancelled = [...this.#cancels].flatMap(([key, task]) => {
      const isTold = this.#world.replies.get(key)?.type === 'cancelled';
      return isTold && phaseOf(task)?.name !== 'cancelled' ? [`I8: ${task} was cancelled, and is not`] : [];
    });
    const givenUp = this.#world.tasks('alpha').flatMap(({ task, state: { phase } }) => {
      if (phase.name !== 'cancelled' || phase.duplicateOf === null) return [];
      const winner = phaseOf(phase.duplicateOf);
      const gaveWay = winner?.name === 'cancelled' && winner.duplicateOf === task.id;
      return gaveWay ? [`${task.id} and ${phase.duplicateOf} gave way to each other`] : [];
    });
    return [...uncancelled, ...givenUp];
  }
}

/** Forty seconds of faults, then peace: what the world looked like, and what was wrong with it. */
export function live(seed: number): { readonly world: World; readonly wrong: readonly string[] } {
  const chance = chanceOf(seeded(seed * 7_919));
  const specs = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta']
    .slice(0, chance.pick([3, 4, 5, 5, 6]))
    .map((name) => ({
      name,
      capacity: chance.pick([1, 1, 2]),
      rate: chance.between(0.97, 1.03),
    }));
  const timing = { healAfterMs: chance.pick([1_000, 5_000, 30_000]) };
  const world = new World(specs, { seed, timing, ...scripts(chance) });
  const people = new People(world, chance);
  const ends = new EndsAreFinal();
  const wrong: string[] = [];
  world.runFor(100);
  while (world.nowMs < faultsMs) {
    people.act();
    world.runFor(chance.between(0, chance.pick([20, 500, 2_500, 2_500])));
    strike(world, chance);
    wrong.push(...ends.look(world));
  }
  recover(world);
  if (!world.queue.runUntil(world.nowMs + boundMs, () => people.unended().length === 0))
    wrong.push(...people.unended());
  world.runFor(1_000);
  wrong.push(...ends.look(world), ...violations(world), ...people.deceived());
  return { world, wrong };
}
