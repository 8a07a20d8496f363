import { describe, expect, test } from 'vitest';
import { storeContract } from '../contracts/store.ts';
import { MemoryDisk, MemoryStore } from './memory-store.ts';
import { someRecord, taskOf } from './stored-records.ts';
import { waitFor } from './wait.ts';

storeContract('the store in memory', async () => {
  const disk = new MemoryDisk();
  return { store: () => new MemoryStore(disk), remove: async () => {} };
});

describe('a crash of the store in memory', () => {
  test('keeps what was acknowledged and loses what was not synced', async () => {
    const disk = new MemoryDisk();
    const syncs: (() => void)[] = [];
    const opening = new MemoryStore(disk);
    await opening.open();
    await opening.close();
    let held = false;
    const store = new MemoryStore(disk, () =>
      held ? new Promise((resolve) => syncs.push(resolve)) : Promise.resolve(),
    );
    await store.open();
    await store.write([{ kind: 'task', task: taskOf('a'), record: someRecord(1) }]);
    held = true;
    let acknowledged = false;
    store.write([{ kind: 'task', task: taskOf('b'), record: someRecord(2) }]).then(() => {
      acknowledged = true;
    });
    await waitFor('a sync', () => syncs.length === 1);
    store.crash();
    for (const sync of syncs) sync();

    const { stored, incarnation } = await new MemoryStore(disk).open();
    expect(stored.tasks.map((one) => one.task)).toEqual([taskOf('a')]);
    expect(incarnation).toBe(3);
    expect(acknowledged).toBe(false);
  });
});
