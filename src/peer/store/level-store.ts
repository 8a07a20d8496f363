import { dirname } from 'node:path';
import { Level } from 'level';
import {
  type Contents,
  incarnationOperation,
  type Operation,
  operationsOf,
  readContents,
  unreadable,
} from './format.ts';
import { type DurableRecord, type Store, StoreError } from './store.ts';

/** A store in a LevelDB folder; what lies there is described in format.ts. */
export const createLevelStore = (folder: string): Store => new LevelStore(folder);

type Database = Level<string, Uint8Array>;

interface Waiting {
  readonly operations: readonly Operation[];
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * One batch is on its way to the disk at a time; what is asked for meanwhile waits and goes together in the next, so
 * that writes keep their order and many of them share one fsync.
 */
class LevelStore implements Store {
  private readonly folder: string;
  private database: Database | null = null;
  private waiting: Waiting[] = [];
  private flushing: Promise<void> | null = null;
  private broken: StoreError | null = null;

  constructor(folder: string) {
    this.folder = folder;
  }

  async open(): Promise<Contents> {
    // Not in the constructor: a Level opens itself, and with that locks its folder, as soon as it is made.
    const db: Database = new Level(this.folder, { keyEncoding: 'utf8', valueEncoding: 'view' });
    this.database = db;
    try {
      await db.open();
    } catch (error) {
      throw openError(this.folder, error);
    }
    try {
      const { stored, incarnation } = await readContents(this.folder, db.iterator());
      await this.put([incarnationOperation(incarnation + 1)]);
      return { stored, incarnation: incarnation + 1 };
    } catch (error) {
      await db.close();
      throw error instanceof StoreError ? error : unreadable(this.folder, messageOf(error), error);
    }
  }

  async write(records: readonly DurableRecord[]): Promise<void> {
    const operations = records.flatMap(operationsOf);
    if (this.broken !== null) throw this.broken;
    if (operations.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ operations, resolve, reject });
    this.flushing ??= this.flush();
    return promise;
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.database?.close();
  }

  private async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        if (this.broken === null) await this.put(batch.flatMap((one) => one.operations));
      } catch (error) {
        this.broken = error instanceof StoreError ? error : unwritable(this.folder, error);
      }
      for (const { resolve, reject } of batch) this.broken === null ? resolve() : reject(this.broken);
    }
    this.flushing = null;
  }

  private async put(operations: readonly Operation[]): Promise<void> {
    if (this.database === null) throw new Error('bug: the store is not open');
    try {
      await this.database.batch([...operations], { sync: true });
    } catch (error) {
      throw unwritable(this.folder, error);
    }
  }
}

function openError(folder: string, error: unknown): StoreError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    const message = `another peer is running with PEER_HOME ${dirname(folder)}; stop it or set another PEER_HOME`;
    return new StoreError('locked', folder, message, { cause });
  }
  if (code === 'LEVEL_CORRUPTION') return unreadable(folder, messageOf(cause), cause);
  const message = `cannot open ${folder}: ${messageOf(cause)}; make it readable and writable, with space left on its disk`;
  return new StoreError('unreadable', folder, message, { cause });
}

function unwritable(folder: string, cause: unknown): StoreError {
  const message = `cannot write to ${folder}: ${messageOf(cause)}; free some space or mend the disk, then start again`;
  return new StoreError('unwritable', folder, message, { cause });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
