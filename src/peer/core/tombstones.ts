import type { PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { compareStamps } from '../../protocol/summary.ts';
import { compareTombstones, type Tombstone } from '../../protocol/tombstone.ts';
import type { Stored } from '../store/store.ts';
import type { Step } from './step.ts';

/**
 * What came of the tasks that have been pruned, the newest of them. Which ones are the newest is the same everywhere,
 * so peers that have exchanged theirs hold the same ones, however many there are.
 */
export class Tombstones {
  readonly #byTask = new Map<TaskId, Tombstone>();
  readonly #byKey = new Map<string, readonly TaskId[]>();
  #oldest: Tombstone | null = null;
  #revision = 0;

  constructor({ tombstones }: Pick<Stored, 'tombstones'>) {
    for (const tombstone of tombstones) this.#insert(tombstone);
  }

  get held(): number {
    return this.#byTask.size + this.#byKey.size;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  get(task: TaskId): Tombstone | undefined {
    return this.#byTask.get(task);
  }

  /** In no order. */
  all(): readonly Tombstone[] {
    return [...this.#byTask.values()];
  }

  /** In no order. */
  withKey(key: string): Tombstone[] {
    return (this.#byKey.get(key) ?? []).flatMap((task) => this.#byTask.get(task) ?? []);
  }

  /** Of the key's last round; of several that one which says most. */
  latest(key: string): Tombstone | undefined {
    const [best] = this.withKey(key).sort((a, b) => b.round - a.round || compareStamps(b.stamp, a.stamp));
    return best;
  }

  /** The task that brought this round of the key to a result. */
  doneBefore(key: string, round: number): TaskId | null {
    return this.withKey(key).find((one) => one.round === round && one.end.name === 'done')?.task ?? null;
  }

  /** What has become of the task, where it is buried here. */
  tell(to: PeerId, task: TaskId, step: Step): void {
    const tombstone = this.#byTask.get(task);
    if (tombstone !== undefined) step.send(to, { type: 'tombstone', tombstone });
  }

  /** True where it was not known, or less was. */
  lay(tombstone: Tombstone, step: Step): boolean {
    const known = this.#byTask.get(tombstone.task);
    if (known !== undefined && compareStamps(tombstone.stamp, known.stamp) <= 0) return false;
    if (this.#isFull() && known === undefined && compareTombstones(tombstone, this.#first()) < 0) return false;
    this.#insert(tombstone);
    step.persistLazily({ kind: 'tombstone', tombstone });
    if (this.#byTask.size > Limits.tombstones) this.#remove(this.#first(), step);
    return true;
  }

  #isFull(): boolean {
    return this.#byTask.size >= Limits.tombstones;
  }

  /** @throws where there is none. */
  #first(): Tombstone {
    this.#oldest ??= this.all().reduce((a, b) => (compareTombstones(a, b) <= 0 ? a : b));
    return this.#oldest;
  }

  #insert(tombstone: Tombstone): void {
    const { task, key } = tombstone;
    const isOldest = this.#oldest !== null && compareTombstones(tombstone, this.#oldest) <= 0;
    if (isOldest) this.#oldest = tombstone;
    this.#byTask.set(task, tombstone);
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []).filter((one) => one !== task), task]);
    this.#revision += 1;
  }

  #remove({ task, key }: Tombstone, step: Step): void {
    this.#oldest = null;
    this.#byTask.delete(task);
    const others = (this.#byKey.get(key) ?? []).filter((one) => one !== task);
    if (others.length > 0) this.#byKey.set(key, others);
    else this.#byKey.delete(key);
    this.#revision += 1;
    step.persistLazily({ kind: 'forget-tombstone', task });
  }
}
