import type { Generation } from '../../src/protocol/generation.ts';
import { type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import { attemptOfRun, type Observation, type ObservationOf, type Observer } from './observation.ts';
import type { GrowingRegisters } from './oracles/registers.ts';
import { type NamedEvent, NamedEvents } from './result.ts';

/** Counts what a swarm must have met, or it has proved nothing about it. */
export class NamedEventCounter implements Observer {
  readonly counts = Object.fromEntries(NamedEvents.map((name) => [name, 0])) as Record<NamedEvent, number>;
  readonly #registers: GrowingRegisters;
  /** The size of each electorate so far, by task and number; forks share a number. */
  readonly #sizes = new Map<string, number>();
  readonly #generations = new Set<string>();
  readonly #attempts = new Map<TaskId, number>();
  /** By peer: the records it has, by key and round. */
  readonly #records = new Map<string, Map<string, Set<TaskId>>>();
  readonly #duplicates = new Set<string>();
  readonly #merged = new Set<string>();
  readonly #outOfBudget = new Set<TaskId>();
  readonly #asleepWithLease = new Set<string>();
  /** By peer and task. */
  readonly #toldEnds = new Set<string>();
  readonly #prunedKeys = new Set<string>();

  constructor(registers: GrowingRegisters) {
    this.#registers = registers;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'lease':
        if (observation.change === 'lost' && this.#registers.latest(observation.task)?.phase.name === 'publishing')
          this.#count('lease-lost-while-publishing');
        return;
      case 'generation':
        return this.#onGeneration(observation);
      case 'fork-met':
        return this.#count('fork-met');
      case 'record':
        return this.#onRecord(observation);
      case 'peer':
        return this.#onPeer(observation);
      case 'agent-started': {
        const { task, attempt } = observation.job;
        this.#attempts.set(task.id, Math.max(attempt, this.#attempts.get(task.id) ?? 0));
        return;
      }
      case 'replaced':
        return this.#count('disk-lost');
      case 'went-on':
        return this.#count('resumed-from-checkpoint');
      case 'agent-stopped':
        if (observation.reason === 'quota') this.#count('handed-over-for-quota');
        return;
      case 'told-end':
        return this.#onEnd(observation);
      case 'buried':
        return this.#onBuried(observation);
      case 'pushed':
        return this.#onPush(observation);
      case 'pull-ended':
        if (observation.how === 'merged') this.#merged.add(observation.place);
        return;
      default:
    }
  }

  #count(name: NamedEvent): void {
    this.counts[name] += 1;
  }

  /** Each once, though every elector installs it. */
  #onGeneration({ task, generation }: ObservationOf<'generation'>): void {
    const { id, number, electorate, forced }: Generation = generation;
    if (this.#generations.has(id)) return;
    this.#generations.add(id);
    this.#sizes.set(`${task} ${number}`, electorate.length);
    if (!forced) this.#count('generation-moved');
    else if (this.#sizes.get(`${task} ${number - 1}`) === 2 && electorate.length === 1) this.#count('two-pc-takeover');
  }

  #onRecord({ peer, task }: ObservationOf<'record'>): void {
    this.#sizes.set(`${task.id} 0`, task.body.electorate.length);
    const records = this.#records.get(peer) ?? new Map<string, Set<TaskId>>();
    this.#records.set(peer, records);
    const { key, round } = task.body;
    if (round > 1 && this.#prunedKeys.delete(key)) this.#count('next-round-after-pruning');
    const name = `${key} ${round}`;
    const same = records.get(name) ?? new Set();
    records.set(name, same.add(task.id));
    const pair = [...same].sort().join(' ');
    if (same.size < 2 || this.#duplicates.has(pair)) return;
    this.#duplicates.add(pair);
    this.#count('duplicate-records-met');
  }

  #onEnd({ peer, task, state: { phase } }: ObservationOf<'told-end'>): void {
    this.#toldEnds.add(`${peer} ${task}`);
    if (phase.name !== 'failed' || !phase.reason.startsWith('its budget of ') || this.#outOfBudget.has(task)) return;
    this.#outOfBudget.add(task);
    this.#count('task-budget-spent');
  }

  #onBuried({ peer, tombstone: { task, key } }: ObservationOf<'buried'>): void {
    this.#prunedKeys.add(key);
    if (!this.#toldEnds.has(`${peer} ${task}`)) this.#count('end-learned-from-tombstone');
  }

  #onPeer({ peer, change, leases }: ObservationOf<'peer'>): void {
    if (change === 'started' && leases > 0) this.#count('restart-with-live-lease');
    if (change === 'slept' && leases > 0) this.#asleepWithLease.add(peer);
    if (change === 'woke' && this.#asleepWithLease.has(peer)) this.#count('woke-with-held-lease');
    if (change !== 'slept') this.#asleepWithLease.delete(peer);
  }

  #onPush({ by, accepted, place }: ObservationOf<'pushed'>): void {
    if (by === null) return;
    const isLate = attemptOfRun(by) < (this.#attempts.get(taskOfRun(by)) ?? 0);
    if (isLate && !accepted) this.#count('late-push-refused');
    if (this.#merged.has(place)) this.#count('merged-before-late-push');
  }
}
