import { describe, expect, it } from 'vitest';
import { Feed } from '../../../src/peer/control/feed.ts';
import { findTask } from '../../../src/peer/control/lookup.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { messages } from '../../protocol/samples.ts';
import { alpha, FakeService, makeView } from './fake-service.ts';

describe('a task by the beginning of its id', () => {
  // Enough of them that two share their first digit.
  const views = Array.from({ length: 17 }, (_, index) => makeView(`task ${index}`));
  const service = new FakeService(...views);
  const ids = views.map(({ task }) => task.id).sort();

  it('finds it by its whole id and by a prefix that no other has, in any case', () => {
    for (const view of views) {
      expect(findTask(service, view.task.id)).toEqual({ type: 'found', view });
      expect(findTask(service, view.task.id.slice(0, 12).toUpperCase())).toEqual({ type: 'found', view });
    }
  });

  it('names the candidates of one that several have', () => {
    const digit = [...'0123456789abcdef'].find((one) => ids.filter((id) => id.startsWith(one)).length > 1) ?? '';
    const candidates = ids.filter((id) => id.startsWith(digit));
    const found = findTask(service, digit);
    expect(found.type === 'several' && [...found.candidates].sort()).toEqual(candidates);
  });

  it('finds one that was pruned, which counts as a candidate like any other', () => {
    const { tombstone } = messages.tombstone;
    const known = new FakeService(...views);
    known.buried.set(tombstone.task, tombstone);
    const buried = { type: 'buried', tombstone };
    expect(findTask(known, tombstone.task)).toEqual(buried);
    expect(findTask(known, tombstone.task.slice(0, 12))).toEqual(buried);
    const digit = tombstone.task.slice(0, 1);
    const sharing = ids.filter((id) => id.startsWith(digit));
    const found = findTask(known, digit);
    expect(found).toEqual(
      sharing.length === 0 ? buried : { type: 'several', candidates: expect.arrayContaining([tombstone.task]) },
    );
  });

  it.each(['', 'xyz', '../etc', 'f'.repeat(64), 'f'.repeat(65)])('finds nothing by %j', (text) => {
    expect(findTask(service, text)).toEqual({ type: 'none' });
  });
});

describe('a feed', () => {
  const task = 'a'.repeat(64) as TaskId;

  it('keeps one change of a task, however often it changed before it was read', async () => {
    const feed = new Feed();
    for (let count = 0; count < 3; count += 1) feed.put({ type: 'task', task });
    feed.put({ type: 'peer-up', peer: alpha, name: 'alpha' });
    expect(await feed.next(1_000)).toEqual({ type: 'task', task });
    feed.put({ type: 'task', task });
    expect(await feed.next(1_000)).toMatchObject({ type: 'peer-up' });
    expect(await feed.next(1_000)).toEqual({ type: 'task', task });
    expect(await feed.next(1)).toBe('quiet');
  });

  it('wakes its reader, and lets one go that is too slow', async () => {
    const feed = new Feed();
    const next = feed.next(60_000);
    feed.put({ type: 'peer-up', peer: alpha, name: 'alpha' });
    expect(await next).toMatchObject({ type: 'peer-up' });
    for (let count = 0; count <= 1_000; count += 1) feed.put({ type: 'peer-up', peer: alpha, name: 'alpha' });
    expect(await feed.next(60_000)).toBeNull();
  });

  it('tells a waiting reader of its end', async () => {
    const feed = new Feed();
    const next = feed.next(60_000);
    feed.end();
    expect(await next).toBeNull();
  });
});
