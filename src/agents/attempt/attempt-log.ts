import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogPiece, LogQuery } from '../../protocol/agent.ts';
import { byText, type TaskId } from '../../protocol/ids.ts';

/** A log ends here, in bytes: an agent that prints for ever must not fill the disk. */
export const MaxLog = 20 * 1024 * 1024;
const MaxPiece = 1024 * 1024;

/** As long as a task that has ended is remembered. */
const KeptForMs = 30 * 24 * 60 * 60_000;
/** Of all logs together, in bytes. */
const MaxLogs = 1024 * 1024 * 1024;

/** The output of every attempt made on this PC: `logs/<task>/<attempt>.log` in the peer's home. */
export class AttemptLogs {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #open = new Set<string>();

  constructor(home: string, maxBytes: number = MaxLog) {
    this.#folder = join(home, 'logs');
    this.#maxBytes = maxBytes;
  }

  /** Starts the attempt's log, over that of an earlier run of the same attempt. */
  open(task: TaskId, attempt: number): AttemptLog {
    mkdirSync(join(this.#folder, task), { recursive: true, mode: 0o700 });
    const path = this.#path(task, attempt);
    this.#open.add(path);
    return new AttemptLog(path, this.#maxBytes, () => this.#open.delete(path));
  }

  /** A piece of a log, cut between characters. */
  async read({ task, attempt, offset, limitBytes }: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    const number = attempt ?? (await this.#latest(task));
    if (number === null) return noLog;
    const path = this.#path(task, number);
    const open = this.#open.has(path);
    const bytes = await readPiece(path, offset, Math.min(Math.max(limitBytes, 4), MaxPiece));
    if (bytes === null) return noLog;
    const { piece, atEnd } = bytes;
    // While the attempt runs, the end of the file may be the middle of a character.
    const whole = atEnd && !open ? piece : piece.subarray(0, wholeCharacters(piece));
    return { attempt: number, text: whole.toString('utf8'), nextOffset: offset + whole.length, end: atEnd && !open };
  }

  /**
   * Removes the logs of tasks that are not under way: the old ones, and of the others the oldest, where there are too
   * many.
   */
  async prune(isUnderWay: (task: string) => boolean, maxBytes: number = MaxLogs): Promise<void> {
    const tasks = await readdir(this.#folder).catch(() => []);
    const logs = await Promise.all(tasks.filter((task) => !isUnderWay(task)).map((task) => this.#sizeOf(task)));
    let left = maxBytes;
    for (const { task, bytes, atMs } of logs.toSorted((a, b) => b.atMs - a.atMs || byText(a.task, b.task))) {
      left -= bytes;
      if (left >= 0 && Date.now() - atMs < KeptForMs) continue;
      await rm(join(this.#folder, task), { recursive: true, force: true });
    }
  }

  async #sizeOf(task: string): Promise<{ readonly task: string; readonly bytes: number; readonly atMs: number }> {
    const names = await readdir(join(this.#folder, task)).catch(() => []);
    const found = await Promise.all(names.map((name) => stat(join(this.#folder, task, name))));
    const bytes = found.reduce((sum, { size }) => sum + size, 0);
    return { task, bytes, atMs: Math.max(0, ...found.map(({ mtimeMs }) => mtimeMs)) };
  }

  async #latest(task: TaskId): Promise<number | null> {
    const names = await readdir(join(this.#folder, task)).catch(() => []);
    const numbers = names.map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1] ?? 0));
    const latest = Math.max(0, ...numbers);
    return latest === 0 ? null : latest;
  }

  #path(task: TaskId, attempt: number): string {
    return join(this.#folder, task, `${attempt}.log`);
  }
}

/** One attempt's log while it is written. */
export class AttemptLog {
  readonly #fd: number;
  readonly #onClose: () => void;
  #leftBytes: number;
  #closed = false;

  constructor(path: string, maxBytes: number, onClose: () => void) {
    this.#fd = openSync(path, 'w', 0o600);
    this.#leftBytes = maxBytes;
    this.#onClose = onClose;
  }

  write(line: string): void {
    if (this.#closed || this.#leftBytes <= 0) return;
    const bytes = Buffer.from(`${line}\n`);
    const fits = bytes.length <= this.#leftBytes;
    this.#leftBytes -= bytes.length;
    try {
      writeSync(this.#fd, fits ? bytes : Buffer.from('(the log is full; the rest is left out)\n'));
    } catch {
      // A full disk ends the log, not the peer.
      this.#leftBytes = 0;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    this.#onClose();
  }
}

const noLog = { unavailable: 'this PC has no log of that attempt' } as const;

async function readPiece(
  path: string,
  offset: number,
  limitBytes: number,
): Promise<{ readonly piece: Buffer; readonly atEnd: boolean } | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const buffer = Buffer.alloc(limitBytes);
    const { bytesRead } = await file.read({ buffer, position: offset });
    return { piece: buffer.subarray(0, bytesRead), atEnd: offset + bytesRead >= (await file.stat()).size };
  } finally {
    await file.close();
  }
}

/** How many bytes there are before a character that the end cuts in two. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
