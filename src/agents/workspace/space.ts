import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkspaceError } from './errors.ts';

/** How much of the disk is free, in bytes, where the folder is. */
export type FreeBytes = (folder: string) => Promise<number>;

export const freeBytesOf: FreeBytes = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

const gib = 1024 ** 3;
/** A disk that is nearly full is the peer's store's; an agent fills it with what it builds and installs. */
const leastFreeBytes = gib;
/** What an agent may not go below: the peer's own store is on that disk, and without it the peer ends. */
const floorBytes = gib / 2;
const lookEveryMs = 2_000;
/** The files of a repository are seldom more than twice what its packed history takes. */
const filesPerHistory = 2;

/** @throws WorkspaceError `no-space` where the disk has no room for a clone of the repository, or for anything. */
export async function checkSpace(folder: string, historyBytes: number, freeBytes: FreeBytes): Promise<void> {
  const [free, needed] = [await freeBytes(folder), Math.max(leastFreeBytes, filesPerHistory * historyBytes)];
  if (free >= needed) return;
  const [has, needs] = [free, needed].map((bytes) => (bytes / gib).toFixed(1));
  throw new WorkspaceError('no-space', `only ${has} GiB are free on this PC's disk, of ${needs} GiB needed: make room`);
}

/** Looks now and then whether the disk has become nearly full, and tells so once, in words. */
export class SpaceWatch {
  readonly #timer: NodeJS.Timeout;

  constructor(folder: string, freeBytes: FreeBytes, onLow: (reason: string) => void) {
    const look = async (): Promise<void> => {
      const free = await freeBytes(folder).catch(() => floorBytes);
      if (free >= floorBytes) return;
      this.close();
      onLow(`less than ${floorBytes / gib} GiB were left free on this PC's disk while it worked`);
    };
    this.#timer = setInterval(() => void look(), lookEveryMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Of a bare repository, in bytes: its packs are all that counts. */
export async function historyBytes(gitDir: string): Promise<number> {
  const packs = join(gitDir, 'objects', 'pack');
  const names = await readdir(packs).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(packs, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
