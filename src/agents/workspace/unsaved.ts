import { mkdtemp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitId } from '../../protocol/ids.ts';
import type { Droppings } from './droppings.ts';
import { foldersIn, removeFolder } from './folders.ts';
import { readTrees } from './snapshot.ts';

export interface WorkPlace {
  /** An attempt's folder, in which nothing runs any more. */
  readonly root: string;
  readonly mirrorDir: string;
  readonly base: CommitId;
  /** The tree of what has been saved elsewhere. */
  readonly saved: string | null;
  readonly droppings: Droppings;
}

const lookMs = 60_000;

/** Whether the clone has work that is neither in the repository nor saved elsewhere; also where that cannot be told. */
export async function hasUnsavedWork({ root, mirrorDir, base, saved, droppings }: WorkPlace): Promise<boolean> {
  const { clone } = foldersIn(root);
  if (!(await stat(clone).catch(() => null))?.isDirectory()) return false;
  const scratch = await mkdtemp(join(root, 'look-'));
  const publishDir = join(scratch, 'repository.git');
  try {
    const signal = AbortSignal.timeout(lookMs);
    const trees = await readTrees({ clone, publishDir, mirrorDir, scratch, base, droppings, signal });
    return trees.work !== trees.base && trees.work !== saved;
  } catch {
    return true;
  } finally {
    await removeFolder(scratch);
  }
}
