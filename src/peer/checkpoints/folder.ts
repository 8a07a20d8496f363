import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, byText, type TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';

/** Of one task; a worker that lags may still ask for the last but one. */
const keptPerTask = 2;

/** A disk that is nearly full is the store's: it ends a peer whose disk refuses a write. */
const leftFreeBytes = 1024 * 1024 * 1024;

export type CheckpointErrorCode = 'too-large' | 'damaged' | 'nowhere' | 'disk-full';

export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly code: CheckpointErrorCode;
  constructor(code: CheckpointErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The checkpoints on this PC, named by their content: `checkpoints/<task>/<sha-256>`. */
export class CheckpointFolder {
  readonly #folder: string;

  constructor(home: string) {
    this.#folder = join(home, 'checkpoints');
  }

  /** Takes the file over. @throws CheckpointError `too-large`, `disk-full`. */
  async keep(task: TaskId, file: string): Promise<{ readonly blob: BlobId; readonly bytes: number }> {
    const { size: bytes } = await stat(file);
    if (bytes > Limits.checkpoint) throw tooLarge(bytes);
    await this.#checkSpace();
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    const blob = hash.digest('hex') as BlobId;
    await synced(file);
    await this.#settle(task, blob, file);
    return { blob, bytes };
  }

  /** A copy from another peer, checked before it counts; its path. @throws CheckpointError. */
  async receive(task: TaskId, blob: BlobId, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    await this.#checkSpace();
    const temporary = join(this.#folder, `.${randomUUID()}`);
    try {
      await writeChecked(temporary, blob, chunks);
      return await this.#settle(task, blob, temporary);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Its path, where this PC has it. */
  async find(task: TaskId, blob: BlobId): Promise<string | null> {
    const path = join(this.#folder, task, blob);
    return (await stat(path).catch(() => null))?.isFile() ? path : null;
  }

  async forget(task: TaskId): Promise<void> {
    await rm(join(this.#folder, task), { recursive: true, force: true });
  }

  /** Removes what was on its way when a peer was killed, and whatever `isWanted` does not ask for. */
  async sweep(isWanted: (task: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!isWanted(name)) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async #checkSpace(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#folder);
    if (bavail * bsize < leftFreeBytes)
      throw new CheckpointError('disk-full', 'less than 1 GiB is free on the disk: no checkpoint is kept');
  }

  /** Durable as it is, and as a name, before anybody is told that it is here. */
  async #settle(task: TaskId, blob: BlobId, file: string): Promise<string> {
    const folder = join(this.#folder, task);
    const path = join(folder, blob);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(file, path);
    await synced(folder);
    await this.#prune(folder);
    return path;
  }

  /** The newest stay, by when they came. */
  async #prune(folder: string): Promise<void> {
    const names = await readdir(folder);
    if (names.length <= keptPerTask) return;
    const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).ctimeMs })));
    const old = aged.sort((a, b) => b.at - a.at || byText(a.name, b.name)).slice(keptPerTask);
    for (const { name } of old) await rm(join(folder, name), { force: true });
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path);
  await file.sync().finally(() => file.close());
}

/** What it says it is, or an error. */
async function writeChecked(path: string, blob: BlobId, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  try {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > Limits.checkpoint) throw tooLarge(bytes);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    if (hash.digest('hex') !== blob) throw new CheckpointError('damaged', 'the checkpoint was damaged on its way');
    await file.sync();
  } finally {
    await file.close();
  }
}

const tooLarge = (bytes: number): CheckpointError =>
  new CheckpointError(
    'too-large',
    `the checkpoint has over ${Math.floor(bytes / 1024 / 1024)} MiB: too large to be sent`,
  );
