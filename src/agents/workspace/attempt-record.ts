import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commitIdSchema, taskIdSchema } from '../../protocol/ids.ts';
import { readPlainFile } from '../plain-file.ts';

const hex = /^[0-9a-f]+$/;

/** What a later process has to know of an attempt's folder. It is written once the agent may start. */
const recordSchema = z.object({
  task: taskIdSchema,
  base: commitIdSchema,
  /** The mirror's name. */
  mirror: z.string().regex(hex).max(64),
  /** The tree of the work that was last saved elsewhere; null where none was. */
  saved: z.string().regex(hex).max(64).nullable(),
});
export type AttemptFolderRecord = z.infer<typeof recordSchema>;

const maxBytes = 16 * 1024;

export async function writeRecord(root: string, record: AttemptFolderRecord): Promise<void> {
  const path = join(root, 'attempt.json');
  await writeFile(`${path}.new`, JSON.stringify(record));
  await rename(`${path}.new`, path);
}

/** Null where there is none: nothing was done there. */
export async function readRecord(root: string): Promise<AttemptFolderRecord | null> {
  const text = await readPlainFile(join(root, 'attempt.json'), maxBytes);
  if (text === null) return null;
  try {
    return recordSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
