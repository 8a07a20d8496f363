import type { Command } from '../../src/peer/core/io.ts';
import type { TaskId, TaskKey } from '../../src/protocol/ids.ts';
import { type Draft, Priorities, promptKey, type Repository, type Source } from '../../src/protocol/record.ts';
import type { Observation, Observer } from './observation.ts';
import type { PeopleTraits } from './profile.ts';
import type { Clockwork } from './queue.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** What people need of the mesh. */
export interface PeoplesMesh extends Pick<World, 'names' | 'nowMs' | 'isRunning' | 'tasks'> {
  readonly queue: Clockwork;
  command(name: string, command: Command): void;
}

export interface Plan {
  readonly tasks: number;
  readonly durationMs: number;
  readonly specialties: readonly string[];
  readonly traits: PeopleTraits;
}

/** Nobody submits in the last part, so that what is submitted meets some faults. */
const submittingShare = 0.85;
const repositories = ['shop', 'site', 'tools'] as const;
/** Work that ends in a branch, without a pull request. */
const plainShare = 0.15;
const mostAskedAgain = 3;
const budgetUsd = [0.05, 5] as const;

/** What people ask of the mesh, at whatever PC they sit. */
export class People implements Observer {
  readonly #world: PeoplesMesh;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #tasks: TaskId[] = [];
  readonly #drafts: Draft[] = [];

  constructor(world: PeoplesMesh, random: Random, plan: Plan) {
    this.#world = world;
    this.#random = random;
    this.#plan = plan;
  }

  begin(): void {
    const { tasks, durationMs, traits } = this.#plan;
    const lastMs = durationMs * submittingShare;
    for (let number = 1; number <= tasks; number += 1) {
      const draft = this.#draft(number);
      this.#drafts.push(draft);
      const atMs = this.#random.between(0, lastMs);
      this.#at(atMs, (name) => this.#submit(name, draft, false));
      if (this.#random.chance(traits.twins)) {
        const laterMs = this.#random.chance(0.5) ? 0 : this.#random.magnitude(1, 10_000);
        this.#at(atMs + laterMs, (name) => this.#submit(name, draft, false));
      }
      if (this.#random.chance(traits.again))
        this.#at(this.#random.between(atMs, lastMs), (name) => this.#submit(name, draft, true));
      if (this.#random.chance(traits.cancels))
        this.#at(this.#random.between(atMs, durationMs), (name) => this.#cancel(name));
      if (this.#random.chance(traits.adopts))
        this.#at(this.#random.between(atMs, durationMs), (name) => this.#adopt(name));
    }
  }

  /** Long after: some want to know what came of what they asked for, and some want it once more. */
  askAgain(): void {
    for (const draft of this.#random.shuffled(this.#drafts).slice(0, mostAskedAgain))
      this.#at(this.#world.nowMs, (name) => this.#submit(name, draft, this.#random.chance(0.5)));
  }

  see(observation: Observation): void {
    if (observation.type === 'record' && !this.#tasks.includes(observation.task.id))
      this.#tasks.push(observation.task.id);
  }

  #at(atMs: number, act: (name: string) => void): void {
    this.#world.queue.after(atMs - this.#world.nowMs, () => {
      const running = this.#world.names.filter((name) => this.#world.isRunning(name));
      if (running.length > 0) act(this.#random.pick(running));
    });
  }

  #submit(name: string, draft: Draft, again: boolean): void {
    this.#world.command(name, { type: 'submit', draft, again });
  }

  #cancel(name: string): void {
    const task = this.#tasks.at(-1);
    if (task !== undefined) this.#world.command(name, { type: 'cancel', task, reason: 'enough' });
  }

  /** Of those that wait in vain, as far as this peer can see; one that does not is refused. */
  #adopt(name: string): void {
    const waiting = this.#world.tasks(name).find(({ stalled }) => stalled?.includes('unreachable') === true);
    const task = waiting?.task.id ?? this.#tasks.at(-1);
    if (task !== undefined) this.#world.command(name, { type: 'adopt', task });
  }

  #draft(number: number): Draft {
    const isPlain = this.#random.chance(plainShare);
    const name = this.#random.pick(repositories);
    const repository: Repository = isPlain
      ? { type: 'git', url: `https://git.test/${name}.git` }
      : { type: 'github', owner: 'acme', name };
    const url = `https://forge.test/acme/${name}/issues/${number}`;
    const source: Source = isPlain ? { type: 'prompt' } : { type: 'issue', number, url, author: 'ann', labels: [] };
    return {
      key: isPlain ? promptKey(`${number}`) : (`github:acme/${name}#${number}` as TaskKey),
      title: `Task ${number}`,
      prompt: 'Mend what is broken.',
      source,
      repository,
      base: null,
      path: null,
      verify: null,
      requires: this.#requires(),
      priority: this.#random.pick(Priorities),
      limits: { wallMs: 3_600_000, idleMs: 600_000, budgetUsd: this.#budget() },
    };
  }

  #budget(): number | null {
    return this.#random.chance(this.#plan.traits.budgets) ? this.#random.magnitude(...budgetUsd) : null;
  }

  #requires(): Draft['requires'] {
    const { specialties } = this.#plan;
    const isExplicit = this.#random.chance(0.1);
    if (specialties.length === 0 || this.#random.chance(0.5))
      return { specialties: [], explicit: false, reason: 'nothing is required' };
    return { specialties: [this.#random.pick(specialties)], explicit: isExplicit, reason: 'by its words' };
  }
}
