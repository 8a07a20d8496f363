import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFresh } from '../../fresh-file.ts';
import { readPlainFile } from '../../plain-file.ts';

/**
 * What is saved with the work: the CLI's `projects` folder, and the id of the conversation that goes on. The CLI finds
 * a conversation by its id in any of its projects, so it does not matter that the clone is in another folder on another
 * PC.
 */
const projectsIn = (sessionDir: string): string => join(sessionDir, 'projects');
const idFile = (sessionDir: string): string => join(sessionDir, 'id');

/** It comes from another PC and goes to a command line. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The conversation to go on with; null where none was begun, or nothing of it is there. */
export async function savedSession(sessionDir: string): Promise<string | null> {
  const id = await savedId(idFile(sessionDir));
  if (id === null) return null;
  const names = await readdir(projectsIn(sessionDir), { recursive: true }).catch(() => []);
  return names.some((name) => name.endsWith(`${id}.jsonl`)) ? id : null;
}

async function savedId(file: string): Promise<string | null> {
  const id = (await readPlainFile(file, 100))?.trim();
  return id !== undefined && uuid.test(id) ? id : null;
}

/** Where the CLI is to keep its conversations. */
export async function prepareSession(sessionDir: string, id: string): Promise<string> {
  const projects = projectsIn(sessionDir);
  const found = await lstat(projects).catch(() => null);
  if (found?.isDirectory() === false) await rm(projects);
  await mkdir(projects, { recursive: true });
  await writeFresh(idFile(sessionDir), `${id}\n`);
  return projects;
}
