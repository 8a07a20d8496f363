import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLevelStore } from '../../../src/peer/store/level-store.ts';
import { toBytes } from '../../../src/protocol/cbor.ts';
import { storeContract } from '../../contracts/store.ts';
import { someRecord, someRegister, taskOf } from '../../support/stored-records.ts';

storeContract('the store on disk', async () => {
  const home = await mkdtemp(join(tmpdir(), 'store-'));
  return {
    store: () => createLevelStore(join(home, 'store')),
    remove: () => rm(home, { recursive: true }),
  };
});

describe('the store on disk', () => {
  let home: string;
  let folder: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'store-'));
    folder = join(home, 'store');
  });
  afterEach(() => rm(home, { recursive: true }));

  const plant = async (key: string, value: Uint8Array): Promise<void> => {
    const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' });
    await db.put(key, value);
    await db.close();
  };
  const registerKey = `register!${taskOf('a')}`;

  test.each([
    ['bytes that are no CBOR', registerKey, new Uint8Array([0xff, 0x00])],
    ['a value without envelope', registerKey, toBytes({ promised: null, accepted: null })],
    ['a register without its promise', registerKey, toBytes({ v: 1, data: { accepted: null } })],
    ['a key that names no task', 'register!xyz', toBytes({ v: 1, data: { promised: null, accepted: null } })],
    ['an unknown kind of record', 'riddle!x', toBytes({ v: 1, data: 1 })],
    ['a damaged count of starts', 'meta!incarnation', toBytes({ v: 1, data: 'two' })],
  ])('%s: unreadable, with the record and the mend', async (_, key, value) => {
    await plant(key, value);
    const message = expect.stringMatching(
      new RegExp(`^[^\\n]*${key}[^\\n]* move ${folder} and ${home}/identity.key away$`),
    );
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'unreadable', folder, message });
  });

  test('a refused folder is left unlocked, and as it was', async () => {
    await plant(registerKey, new Uint8Array([0xff]));
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'unreadable' });
    const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' });
    expect(await db.keys().all()).toEqual([registerKey]);
    await db.close();
  });

  test('a newer format is refused by name, whatever its data', async () => {
    await plant(registerKey, toBytes({ v: 4, data: ['of the future'] }));
    const message = expect.stringContaining('newer version');
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'newer-format', folder, message });
  });

  test('a damaged LevelDB is unreadable', async () => {
    const store = createLevelStore(folder);
    await store.open();
    await store.close();
    await writeFile(join(folder, 'CURRENT'), 'rubbish');
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'unreadable', folder });
  });

  test('a file in place of the folder: one line with the mend', async () => {
    await writeFile(folder, '');
    const message = expect.stringMatching(/^cannot open [^\n]*; make it readable and writable/);
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'unreadable', message });
  });

  test('another process on the folder: one line that names PEER_HOME', async () => {
    const child = writer(folder);
    await once(child, 'message');
    const message = `another peer is running with PEER_HOME ${home}; stop it or set another PEER_HOME`;
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'locked', message });
    await killed(child);
  });

  test('kill -9 at any moment loses no acknowledged write and tears no batch', async () => {
    for (let kill = 1; kill <= 4; kill++) {
      const child = writer(folder);
      const acknowledged = await countUntil(child, 25 * kill);
      const last = await killed(child, acknowledged);

      const store = createLevelStore(folder);
      const { stored, incarnation } = await store.open();
      await store.close();
      const round = stored.registers[0]?.register.promised?.round ?? 0;
      expect(round).toBeGreaterThanOrEqual(last);
      expect(stored.tasks[0]?.record).toEqual(someRecord(round % 256));
      expect(incarnation).toBe(2 * kill);
    }
  });

  test('a folder that cannot be written to', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'root ignores permissions');
    const store = createLevelStore(folder);
    await store.open();
    await store.close();
    await chmod(folder, 0o500);
    await expect(createLevelStore(folder).open()).rejects.toMatchObject({ code: 'unreadable' });
    await chmod(folder, 0o700);
  });

  test('after a write that failed no other is accepted', async () => {
    const store = createLevelStore(folder);
    await store.open();
    await store.close();
    const write = () => store.write([{ kind: 'register', task: taskOf('a'), register: someRegister(1) }]);
    await expect(write()).rejects.toMatchObject({ code: 'unwritable', folder });
    await expect(write()).rejects.toMatchObject({ code: 'unwritable', folder });
  });
});

type Writer = ReturnType<typeof fork>;

/** A process that writes batch after batch and tells the number of each once it is durable. */
const writer = (folder: string): Writer =>
  fork(join(import.meta.dirname, 'writer.ts'), [folder], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

async function countUntil(child: Writer, target: number): Promise<number> {
  for (;;) {
    const [round] = await once(child, 'message');
    if (round >= target) return round;
  }
}

/** Kills it and returns the highest number it told before it died. */
async function killed(child: Writer, told = 0): Promise<number> {
  let last = told;
  child.on('message', (round: number) => {
    last = round;
  });
  child.kill('SIGKILL');
  await once(child, 'close');
  return last;
}
