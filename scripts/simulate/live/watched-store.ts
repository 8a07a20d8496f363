import type { DurableRecord, Store } from '../../../src/peer/store/store.ts';
import { toBytes } from '../../../src/protocol/cbor.ts';
import type { TaskState } from '../../../src/protocol/state.ts';

/** A store that tells what has become durable, before anything is done that rests on it. */
export class WatchedStore implements Store {
  readonly #store: Store;
  readonly #onDurable: (record: DurableRecord) => void;

  constructor(store: Store, onDurable: (record: DurableRecord) => void) {
    this.#store = store;
    this.#onDurable = onDurable;
  }

  open(): ReturnType<Store['open']> {
    return this.#store.open();
  }

  async write(records: readonly DurableRecord[]): Promise<void> {
    await this.#store.write(records);
    for (const record of records) this.#onDurable(record);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** Every peer decodes a value for itself; oracles take the same value for the same object. */
export class Values {
  readonly #known = new Map<string, TaskState>();

  same(value: TaskState): TaskState {
    const key = Buffer.from(toBytes(value)).toString('latin1');
    const known = this.#known.get(key) ?? value;
    this.#known.set(key, known);
    return known;
  }
}
