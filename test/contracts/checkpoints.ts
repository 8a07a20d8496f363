import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlobId, TaskId } from '../../src/protocol/ids.ts';

/** The checkpoints on one PC, whatever they are made of. */
export interface CheckpointWorld {
  /** Makes a checkpoint here. */
  keep(task: TaskId, content: string): Promise<BlobId>;
  /** Takes a copy of one that was made elsewhere. */
  receive(task: TaskId, content: string): Promise<BlobId>;
  has(task: TaskId, blob: BlobId): Promise<boolean>;
  forget(task: TaskId): Promise<void>;
  /** The peer is killed and started anew, with these tasks open. */
  restart(open: readonly TaskId[]): Promise<void>;
  remove(): Promise<void>;
}

const task = 'a'.repeat(64) as TaskId;
const other = 'b'.repeat(64) as TaskId;

/** What every place where checkpoints are kept promises, so that what the simulator shows is true of the disk. */
export function checkpointContract(name: string, make: () => Promise<CheckpointWorld>): void {
  describe(`${name} keeps the contract of checkpoints`, () => {
    let world: CheckpointWorld;
    beforeEach(async () => {
      world = await make();
    });
    afterEach(() => world.remove());

    const kept = async (of: TaskId, blobs: readonly BlobId[]): Promise<readonly boolean[]> =>
      Promise.all(blobs.map((blob) => world.has(of, blob)));

    it('has what was made here, and copies, of that task alone', async () => {
      const made = await world.keep(task, 'made');
      const copied = await world.receive(task, 'copied');
      expect(await kept(task, [made, copied])).toEqual([true, true]);
      expect(await kept(other, [made, copied])).toEqual([false, false]);
    });

    it('names equal bytes equally, and keeps them once', async () => {
      const first = await world.keep(task, 'same');
      expect(await world.receive(task, 'same')).toBe(first);
      const second = await world.keep(task, 'second');
      expect(await kept(task, [first, second])).toEqual([true, true]);
    });

    it('holds the newest two of a task, by when they came last', async () => {
      const one = await world.keep(task, '1');
      const two = await world.receive(task, '2');
      await world.receive(task, '1');
      const three = await world.keep(task, '3');
      const elsewhere = await world.keep(other, '4');
      expect(await kept(task, [one, two, three])).toEqual([true, false, true]);
      expect(await kept(other, [elsewhere])).toEqual([true]);
    });

    it('still has them after a crash, but for those of tasks that have ended', async () => {
      const made = await world.keep(task, 'made');
      const stale = await world.receive(other, 'stale');
      await world.restart([task]);
      expect(await world.has(task, made)).toBe(true);
      expect(await world.has(other, stale)).toBe(false);
    });

    it('forgets all of a task', async () => {
      const made = await world.keep(task, 'made');
      const left = await world.keep(other, 'left');
      await world.forget(task);
      expect(await world.has(task, made)).toBe(false);
      expect(await world.has(other, left)).toBe(true);
      await world.forget(task);
    });
  });
}
