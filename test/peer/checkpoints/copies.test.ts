import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Copies } from '../../../src/peer/checkpoints/copies.ts';
import { CheckpointFolder } from '../../../src/peer/checkpoints/folder.ts';
import type { BlobId, PeerId, TaskId } from '../../../src/protocol/ids.ts';
import { waitFor } from '../../support/wait.ts';

const task = 'a'.repeat(64) as TaskId;
const [alpha, beta, gamma] = ['alpha', 'beta', 'gamma'] as unknown as readonly [PeerId, PeerId, PeerId];
const blob = createHash('sha256').update('work').digest('hex') as BlobId;
const { signal } = new AbortController();

let home = '';
let open: Set<TaskId>;
let all: Map<PeerId, Copies>;
/** Peers that do not answer, until released. */
let stuck: Map<PeerId, Promise<void>>;
let asked: Set<PeerId>;

/** Three peers, each with a folder of its own, and calls instead of a network. */
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'copies-'));
  open = new Set([task]);
  stuck = new Map();
  asked = new Set();
  all = new Map(
    [alpha, beta, gamma].map((self) => {
      const network = {
        put: async (to: PeerId, name: string, chunks: AsyncIterable<Uint8Array>) => {
          asked.add(to);
          await stuck.get(to);
          await copiesOf(to).onPut(name, chunks);
        },
        async *get(from: PeerId, name: string) {
          await stuck.get(from);
          const found = await copiesOf(from).onGet(name);
          if (found === null) throw new Error('not here');
          yield* found;
        },
      };
      const folder = new CheckpointFolder(join(home, self));
      return [self, new Copies({ self, folder, network, isOpen: (id) => open.has(id), log: () => {} })];
    }),
  );
});
afterEach(() => rmSync(home, { recursive: true }));

function copiesOf(peer: PeerId): Copies {
  const copies = all.get(peer);
  if (copies === undefined) throw new Error('not connected');
  return copies;
}

async function keepAt(peer: PeerId): Promise<void> {
  const file = join(home, 'made');
  writeFileSync(file, 'work');
  await copiesOf(peer).keep(task, file);
}

async function replicated(from: PeerId, to: readonly PeerId[]): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  await copiesOf(from).replicate(task, blob, to, (holders, isLast) => told.push([...holders, isLast]));
  return told;
}
const hasAt = (peer: PeerId): boolean => existsSync(join(home, peer, 'checkpoints', task, blob));

describe('copies', () => {
  it('go to all that are named, and each that has one is told of, this peer where it is one of them', async () => {
    await keepAt(alpha);
    const told = await replicated(alpha, [alpha, beta, gamma]);
    expect(told).toHaveLength(3);
    expect(told.at(-1)).toEqual([alpha, beta, gamma, true]);
    expect([beta, gamma].map(hasAt)).toEqual([true, true]);
    expect((await replicated(alpha, [beta])).at(-1)).toEqual([beta, true]);
  });

  it('of what is not here are nowhere', async () => {
    expect(await replicated(alpha, [alpha, beta])).toEqual([[true]]);
  });

  it('to somebody out of reach, or who does not know the task, are counted as not made', async () => {
    await keepAt(alpha);
    all.delete(gamma);
    expect((await replicated(alpha, [beta, gamma])).at(-1)).toEqual([beta, true]);
    open.delete(task);
    expect((await replicated(alpha, [beta])).at(-1)).toEqual([true]);
  });

  it('that nobody reads are not opened: an error of theirs would be nobody’s to catch', async () => {
    await keepAt(alpha);
    const given = await copiesOf(alpha).onGet(`${task}/${blob}`);
    await copiesOf(alpha).forget(task);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(given?.[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('go to a slow peer one at a time', async () => {
    await keepAt(alpha);
    const { promise, resolve } = Promise.withResolvers<void>();
    stuck.set(beta, promise);
    const first = replicated(alpha, [beta]);
    await waitFor('beta is being given its copy', () => asked.has(beta));
    expect(await replicated(alpha, [beta, gamma])).toEqual([
      [gamma, false],
      [gamma, true],
    ]);
    resolve();
    expect((await first).at(-1)).toEqual([beta, true]);
  });

  it('that come as their task ends are not kept', async () => {
    await keepAt(alpha);
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('wo');
      open.delete(task);
      yield Buffer.from('rk');
    };
    await copiesOf(beta).onPut(`${task}/${blob}`, chunks());
    expect(hasAt(beta)).toBe(false);
  });

  it.each(['', 'x/y', `${task}`, `${task}/../${blob}`, `../${task}/${blob}`, `${task}/${blob}/x`])(
    'under the name `%s` are neither taken nor given',
    async (name) => {
      const chunks = (async function* (): AsyncGenerator<Uint8Array> {})();
      await expect(copiesOf(beta).onPut(name, chunks)).rejects.toThrow('not wanted here');
      expect(await copiesOf(beta).onGet(name)).toBeNull();
    },
  );
});

describe('fetching', () => {
  it('takes what is here, else what the first holder has, and keeps it', async () => {
    await keepAt(gamma);
    const path = await copiesOf(alpha).fetch(task, blob, [alpha, beta, gamma], signal);
    expect(readFileSync(path, 'utf8')).toBe('work');
    all.delete(gamma);
    expect(await copiesOf(alpha).fetch(task, blob, [], signal)).toBe(path);
  });

  it('says so where nobody has it', async () => {
    await expect(copiesOf(alpha).fetch(task, blob, [beta, gamma], signal)).rejects.toMatchObject({ code: 'nowhere' });
  });

  it('waits for nobody once it is stopped', async () => {
    stuck.set(beta, new Promise(() => {}));
    const abort = new AbortController();
    const fetching = copiesOf(alpha).fetch(task, blob, [beta, gamma], abort.signal);
    setTimeout(() => abort.abort(new Error('stopped')), 20);
    await expect(fetching).rejects.toThrow('stopped');
  });
});
