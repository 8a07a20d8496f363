import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DurableRecord, Store, Stored } from '../../src/peer/store/store.ts';
import { originId } from '../../src/protocol/generation.ts';
import type { GenerationId } from '../../src/protocol/ids.ts';
import { initialState } from '../../src/protocol/state.ts';
import {
  ballot,
  everyKind,
  movedRegister,
  nothing,
  peerA,
  peerB,
  someKnowledge,
  someQuota,
  someRecord,
  someRegister,
  someTombstone,
  taskOf,
} from '../support/stored-records.ts';

/** One folder, and the stores that processes one after another open on it. */
export interface StoreWorld {
  store(): Store;
  remove(): Promise<void>;
}

/** What every implementation of Store promises. */
export function storeContract(name: string, make: () => Promise<StoreWorld>): void {
  describe(`${name} keeps the store's contract`, () => {
    let world: StoreWorld;
    let opened: Store[];

    const open = async (): Promise<{ store: Store; stored: Stored; incarnation: number }> => {
      const store = world.store();
      const contents = await store.open();
      opened.push(store);
      return { store, ...contents };
    };
    const reopened = async (store: Store): Promise<Stored> => {
      await store.close();
      return (await open()).stored;
    };

    beforeEach(async () => {
      opened = [];
      world = await make();
    });
    afterEach(async () => {
      for (const store of opened) await store.close();
      await world.remove();
    });

    test('a new folder is empty', async () => {
      const { stored, incarnation } = await open();
      expect(stored).toEqual(nothing);
      expect(incarnation).toBe(1);
    });

    test('every kind of record comes back as it was', async () => {
      const { store } = await open();
      const task = taskOf('a');
      await store.write([
        ...everyKind(task),
        { kind: 'peer', peer: peerA, name: 'desk', addresses: ['/ip4/10.0.0.1'] },
        { kind: 'spend', day: 20_000, usd: 1.25 },
        { kind: 'quota', executor: 'claude-code', quota: someQuota },
        { kind: 'tombstone', tombstone: someTombstone('b') },
      ]);
      expect(await reopened(store)).toEqual({
        tasks: [{ task, record: someRecord(1) }],
        registers: [{ task, register: someRegister(9) }],
        knowledge: [{ task, knowledge: someKnowledge }],
        submissions: [task],
        peers: [{ peer: peerA, name: 'desk', addresses: ['/ip4/10.0.0.1'] }],
        spend: [{ day: 20_000, usd: 1.25 }],
        quotas: [{ executor: 'claude-code', quota: someQuota }],
        tombstones: [someTombstone('b')],
      } satisfies Stored);
    });

    test('a day without spend, and a quota that is over, are forgotten', async () => {
      const { store } = await open();
      const quota = { kind: 'quota', executor: 'anthropic' } as const;
      for (const usd of [1, 2]) await store.write([{ kind: 'spend', day: usd, usd }]);
      await store.write([{ ...quota, quota: someQuota }]);
      await store.write([
        { kind: 'spend', day: 1, usd: 0 },
        { ...quota, quota: null },
      ]);
      expect(await reopened(store)).toEqual({ ...nothing, spend: [{ day: 2, usd: 2 }] });
    });

    test('a peer that is forgotten is gone, and no other', async () => {
      const { store } = await open();
      for (const peer of [peerA, peerB]) await store.write([{ kind: 'peer', peer, name: peer, addresses: [] }]);
      await store.write([{ kind: 'forget-peer', peer: peerA }]);
      expect((await reopened(store)).peers.map(({ peer }) => peer)).toEqual([peerB]);
    });

    test('a register without promise or value comes back', async () => {
      const { store } = await open();
      const register = { initial: null, promised: null, accepted: null };
      await store.write([{ kind: 'register', task: taskOf('a'), register }]);
      expect((await reopened(store)).registers).toEqual([{ task: taskOf('a'), register }]);
    });

    test('a task has a register for each of its generations', async () => {
      const { store } = await open();
      const [task, id] = [taskOf('a'), 'b'.repeat(16) as GenerationId];
      await store.write([{ kind: 'register', task, register: someRegister(1) }]);
      await store.write([{ kind: 'register', task, register: movedRegister(id) }]);
      expect((await reopened(store)).registers).toEqual([
        { task, register: someRegister(1) },
        { task, register: movedRegister(id) },
      ]);
    });

    test('fields of a newer peer inside a state are kept', async () => {
      const { store } = await open();
      const state = { ...initialState, mood: 'sunny' };
      await store.write([{ kind: 'knowledge', task: taskOf('a'), knowledge: { ...someKnowledge, state } }]);
      expect((await reopened(store)).knowledge[0]?.knowledge.state).toEqual(state);
    });

    test('writing again replaces, within one call too', async () => {
      const { store } = await open();
      const write = (round: number): DurableRecord => {
        return { kind: 'register', task: taskOf('a'), register: someRegister(round) };
      };
      await store.write([write(1)]);
      await store.write([write(2), write(3)]);
      expect((await reopened(store)).registers).toEqual([{ task: taskOf('a'), register: someRegister(3) }]);
    });

    test('lists are sorted by key, whatever the order of writing', async () => {
      const { store } = await open();
      for (const digit of ['c', 'a', 'f', '0', 'b']) await store.write(everyKind(taskOf(digit)));
      for (const peer of [peerB, peerA]) await store.write([{ kind: 'peer', peer, name: peer, addresses: [] }]);
      const stored = await reopened(store);
      const sorted = ['0', 'a', 'b', 'c', 'f'].map(taskOf);
      expect(stored.tasks.map((one) => one.task)).toEqual(sorted);
      expect(stored.registers.map((one) => one.task)).toEqual(sorted);
      expect(stored.knowledge.map((one) => one.task)).toEqual(sorted);
      expect(stored.submissions).toEqual(sorted);
      expect(stored.peers.map((one) => one.peer)).toEqual([peerA, peerB]);
    });

    test('forget takes all of a task and nothing else', async () => {
      const { store } = await open();
      const [gone, kept] = [taskOf('a'), taskOf('b')];
      await store.write([...everyKind(gone), ...everyKind(kept)]);
      const next = 'a'.repeat(16) as GenerationId;
      await store.write([{ kind: 'register', task: gone, register: movedRegister(next) }]);
      await store.write([{ kind: 'forget', task: gone, generations: [originId, next] }]);
      const stored = await reopened(store);
      expect(stored.tasks.map((one) => one.task)).toEqual([kept]);
      expect(stored.registers.map((one) => one.task)).toEqual([kept]);
      expect(stored.knowledge.map((one) => one.task)).toEqual([kept]);
      expect(stored.submissions).toEqual([kept]);
    });

    test('a tombstone outlasts its task, until it is forgotten itself', async () => {
      const { store } = await open();
      const task = taskOf('a');
      await store.write(everyKind(task));
      const more = { ...someTombstone('a'), mood: 'sunny' };
      await store.write([
        { kind: 'tombstone', tombstone: more },
        { kind: 'forget', task, generations: [originId] },
      ]);
      await store.write([{ kind: 'tombstone', tombstone: someTombstone('b') }]);
      await store.close();
      const next = await open();
      expect(next.stored).toEqual({ ...nothing, tombstones: [more, someTombstone('b')] });
      await next.store.write([{ kind: 'forget-tombstone', task }]);
      expect((await reopened(next.store)).tombstones).toEqual([someTombstone('b')]);
    });

    test('a submission that has arrived is no longer pending', async () => {
      const { store } = await open();
      await store.write(everyKind(taskOf('a')));
      await store.write([{ kind: 'submission', task: taskOf('a'), pending: false }]);
      const stored = await reopened(store);
      expect(stored.submissions).toEqual([]);
      expect(stored.tasks).toHaveLength(1);
    });

    test('writes that do not wait for each other keep their order', async () => {
      const { store } = await open();
      const rounds = Array.from({ length: 200 }, (_, round) => round);
      await Promise.all(
        rounds.map((round) => store.write([{ kind: 'register', task: taskOf('a'), register: someRegister(round) }])),
      );
      expect((await reopened(store)).registers).toEqual([{ task: taskOf('a'), register: someRegister(199) }]);
    });

    test('close waits for writes under way', async () => {
      const { store } = await open();
      const writes = ['a', 'b', 'c'].map((digit) => store.write(everyKind(taskOf(digit))));
      await store.close();
      await Promise.all(writes);
      expect((await open()).stored.tasks).toHaveLength(3);
    });

    test('every start is counted, also one that writes nothing', async () => {
      const incarnations: number[] = [];
      for (let start = 0; start < 3; start++) {
        const { store, incarnation } = await open();
        incarnations.push(incarnation);
        await store.close();
      }
      expect(incarnations).toEqual([1, 2, 3]);
    });

    test('what could not be read back is not written', async () => {
      const { store } = await open();
      const register = { initial: null, promised: { ...ballot, round: -1 }, accepted: null };
      const write = store.write([{ kind: 'register', task: taskOf('a'), register }]);
      await expect(write).rejects.toThrow(/bug: register!a+ is not fit/);
      expect((await reopened(store)).registers).toEqual([]);
    });

    test('one at a time: a second open is refused, and harms nothing', async () => {
      const { store } = await open();
      await expect(world.store().open()).rejects.toMatchObject({ name: 'StoreError', code: 'locked' });
      await store.write(everyKind(taskOf('a')));
      await store.close();
      const next = await open();
      expect(next.incarnation).toBe(2);
      expect(next.stored.tasks).toHaveLength(1);
    });
  });
}
