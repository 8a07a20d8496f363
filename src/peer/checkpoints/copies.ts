import { createReadStream } from 'node:fs';
import { type BlobId, blobIdSchema, byText, type PeerId, type TaskId, taskIdSchema } from '../../protocol/ids.ts';
import type { Network } from '../network/network.ts';
import { CheckpointError, type CheckpointFolder } from './folder.ts';

type Chunks = AsyncIterable<Uint8Array>;

export interface CopiesParts {
  readonly self: PeerId;
  readonly folder: CheckpointFolder;
  readonly network: Pick<Network, 'put' | 'get'>;
  /** A task that is known here and has not ended: copies of any other are refused. */
  readonly isOpen: (task: TaskId) => boolean;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** The copies of checkpoints: given to electors, taken from them, kept for others. */
export class Copies {
  readonly #parts: CopiesParts;
  /** `<task> <peer>`: a peer that is slow to take one copy is not given the next one beside it. */
  readonly #giving = new Set<string>();

  constructor(parts: CopiesParts) {
    this.#parts = parts;
  }

  async keep(task: TaskId, file: string): Promise<{ readonly blob: BlobId; readonly bytes: number }> {
    const kept = await this.#parts.folder.keep(task, file);
    await this.#forgetIfEnded(task);
    return kept;
  }

  /**
   * From this PC, or from the first holder that has it. @throws CheckpointError `nowhere`, and when `signal` aborts.
   */
  async fetch(task: TaskId, blob: BlobId, holders: readonly PeerId[], signal: AbortSignal): Promise<string> {
    const { self, folder, network, log } = this.#parts;
    const here = await folder.find(task, blob);
    if (here !== null) return here;
    for (const holder of holders.filter((peer) => peer !== self)) {
      try {
        return await folder.receive(task, blob, until(signal, network.get(holder, nameOf(task, blob))));
      } catch (error) {
        signal.throwIfAborted();
        log('checkpoint-not-fetched', { task, blob, from: holder, reason: String(error) });
      }
    }
    throw new CheckpointError('nowhere', `none of ${holders.length} peers has the checkpoint ${blob.slice(0, 8)}`);
  }

  /**
   * Gives copies to all of `to` at once. Tells who of them has one, this peer counted: each time that it is one more.
   */
  async replicate(
    task: TaskId,
    blob: BlobId,
    to: readonly PeerId[],
    onHolders: (holders: readonly PeerId[], isLast: boolean) => void,
  ): Promise<void> {
    const { self, folder } = this.#parts;
    const path = await folder.find(task, blob);
    const holders: PeerId[] = path === null || !to.includes(self) ? [] : [self];
    if (path !== null) {
      const others = to.filter((peer) => peer !== self);
      const gifts = others.map(async (peer) => {
        if (!(await this.#give(peer, task, blob, path))) return;
        holders.push(peer);
        onHolders([...holders].sort(byText), false);
      });
      await Promise.all(gifts);
    }
    onHolders([...holders].sort(byText), true);
  }

  /** Takes a copy in, unless it is here: the sender then need not go on. */
  async onPut(name: string, chunks: Chunks): Promise<void> {
    const { folder, isOpen } = this.#parts;
    const found = parseName(name);
    if (found === null || !isOpen(found.task)) throw new Error('not wanted here');
    if ((await folder.find(found.task, found.blob)) !== null) return;
    await folder.receive(found.task, found.blob, chunks);
    await this.#forgetIfEnded(found.task);
  }

  async onGet(name: string): Promise<Chunks | null> {
    const found = parseName(name);
    const path = found && (await this.#parts.folder.find(found.task, found.blob));
    return path === null ? null : contentOf(path);
  }

  /** What cannot be removed now goes at the next start. */
  async forget(task: TaskId): Promise<void> {
    const { folder, log } = this.#parts;
    await folder.forget(task).catch((error: unknown) => log('checkpoint-not-removed', { task, reason: String(error) }));
  }

  /** It may have ended while the copy was on its way. */
  async #forgetIfEnded(task: TaskId): Promise<void> {
    if (!this.#parts.isOpen(task)) await this.forget(task);
  }

  async #give(peer: PeerId, task: TaskId, blob: BlobId, path: string): Promise<boolean> {
    const { network, log } = this.#parts;
    const gift = `${task} ${peer}`;
    if (this.#giving.has(gift)) return false;
    this.#giving.add(gift);
    try {
      await network.put(peer, nameOf(task, blob), contentOf(path));
      return true;
    } catch (error) {
      log('checkpoint-not-copied', { task, blob, to: peer, reason: String(error) });
      return false;
    } finally {
      this.#giving.delete(gift);
    }
  }
}

const nameOf = (task: TaskId, blob: BlobId): string => `${task}/${blob}`;

function parseName(name: string): { readonly task: TaskId; readonly blob: BlobId } | null {
  const [first, second, ...others] = name.split('/');
  const [task, blob] = [taskIdSchema.safeParse(first), blobIdSchema.safeParse(second)];
  return task.success && blob.success && others.length === 0 ? { task: task.data, blob: blob.data } : null;
}

/** Opened once it is read: the error of a stream that nobody reads would end the process. */
async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as Chunks;
}

/** The same chunks, and no waiting for the next one once the signal aborts. */
async function* until(signal: AbortSignal, chunks: Chunks): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await Promise.race([source.next(), aborted]);
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Its own end may be a while off, and is nobody's concern any more.
    void source.return?.().catch(() => {});
  }
}
