import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { byText, type TaskId } from '../../protocol/ids.ts';
import { readRecord } from './attempt-record.ts';
import { removeFolder } from './folders.ts';

/** A folder of an attempt that has ended, with work that is nowhere else: `work/kept-<task>-<attempt>-<when>`. */
export interface Kept {
  readonly path: string;
  /** Null where its record is gone. */
  readonly task: TaskId | null;
  readonly atMs: number;
}

/** Long enough to come back from a holiday to. */
const keptForMs = 14 * 24 * 60 * 60_000;
/** A task that fails again and again must not fill the disk. */
const maxKept = 20;

/** Puts an attempt's folder by; gives where it is now. */
export async function keep(workFolder: string, name: string): Promise<string> {
  const path = join(workFolder, `kept-${name}-${Date.now()}`);
  await rename(join(workFolder, name), path);
  return path;
}

/** The newest first. */
export async function listKept(workFolder: string): Promise<readonly Kept[]> {
  const names = await readdir(workFolder).catch(() => []);
  const found = names.flatMap((name) => {
    const at = /^kept-.+-(\d{1,16})$/.exec(name)?.[1];
    return at === undefined ? [] : [{ path: join(workFolder, name), atMs: Number(at) }];
  });
  const sorted = found.toSorted((a, b) => b.atMs - a.atMs || byText(a.path, b.path));
  return Promise.all(sorted.map(async (one) => ({ ...one, task: (await readRecord(one.path))?.task ?? null })));
}

/** Removes what is not wanted any more, is old, or is too much. */
export async function cleanKept(workFolder: string, isUnwanted: (task: TaskId) => boolean): Promise<void> {
  const kept = await listKept(workFolder);
  const wanted = kept.filter(({ task, atMs }) => !(task !== null && isUnwanted(task)) && Date.now() - atMs < keptForMs);
  const stay = new Set(wanted.slice(0, maxKept));
  for (const one of kept) if (!stay.has(one)) await removeFolder(one.path);
}

/** What they take of the disk, in bytes. */
export async function sizeOf(kept: readonly Kept[]): Promise<number> {
  const { stdout } = await execa('du', ['-sk', '--', ...kept.map(({ path }) => path)], { reject: false });
  return stdout.split('\n').reduce((sum, line) => sum + 1024 * (Number.parseInt(line, 10) || 0), 0);
}
