import {
  type Contents,
  incarnationOperation,
  type Operation,
  operationsOf,
  readContents,
} from '../../src/peer/store/format.ts';
import { type DurableRecord, type Store, StoreError } from '../../src/peer/store/store.ts';
import { byText } from '../../src/protocol/ids.ts';

/** What survives a crash: the bytes that were synced, and who has the folder open. */
export class MemoryDisk {
  readonly entries = new Map<string, Uint8Array>();
  holder: Store | null = null;
}

/** The disk's fsync: a write becomes durable, and is acknowledged, when it resolves. */
export type Sync = () => Promise<void>;

/** A store on a disk in memory, with the real store's bytes. `crash` loses what is not synced and frees the disk. */
export class MemoryStore implements Store {
  private readonly disk: MemoryDisk;
  private readonly sync: Sync;
  private last: Promise<void> = Promise.resolve();

  constructor(disk: MemoryDisk, sync: Sync = () => Promise.resolve()) {
    this.disk = disk;
    this.sync = sync;
  }

  async open(): Promise<Contents> {
    if (this.disk.holder !== null) throw new StoreError('locked', 'memory', 'another store has this disk open');
    this.disk.holder = this;
    const sorted = [...this.disk.entries].sort(([a], [b]) => byText(a, b));
    const { stored, incarnation } = await readContents('memory', each(sorted));
    await this.apply([incarnationOperation(incarnation + 1)]);
    return { stored, incarnation: incarnation + 1 };
  }

  async write(records: readonly DurableRecord[]): Promise<void> {
    const operations = records.flatMap(operationsOf);
    this.last = this.last.then(() => this.apply(operations));
    return this.last;
  }

  async close(): Promise<void> {
    await this.last;
    this.crash();
  }

  /** As when the process is killed: writes under way are lost and never acknowledged. */
  crash(): void {
    if (this.disk.holder === this) this.disk.holder = null;
  }

  private async apply(operations: readonly Operation[]): Promise<void> {
    await this.sync();
    if (this.disk.holder !== this) return new Promise(() => {});
    for (const operation of operations) {
      if (operation.type === 'put') this.disk.entries.set(operation.key, operation.value);
      else this.disk.entries.delete(operation.key);
    }
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
