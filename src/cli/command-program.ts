import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { normalize, resolve } from 'node:path';
import { execa } from 'execa';
import { git } from '../agents/git.ts';

/** A word that the shell takes as it stands, but for a `~` at its beginning; no assignment, quote or pattern. */
const plainWord = /^(?:~\/)?[\w./+@%:,-]+$/;

interface Asked {
  readonly executor?: string | undefined;
  readonly command?: string | null | undefined;
}

/**
 * Why the agent's command line will not run, as far as its first word tells; null where that is in order, or more than
 * a name, or where it is not to run. `cwd`: where the person is who has written it.
 */
export async function commandTrouble({ executor = 'auto', command }: Asked, cwd: string): Promise<string | null> {
  if (executor !== 'auto' && executor !== 'command') return null;
  const [word = ''] = (command ?? '').trim().split(/[\s;&|<>()]/, 1);
  if (!plainWord.test(word)) return null;
  if (!word.includes('/')) {
    if (await isKnownToShell(word)) return null;
    return `there is no program ${word} on the PATH: check the command, or give the program's absolute path`;
  }
  const path = word.replace(/^~(?=\/)/, homedir());
  if (path.startsWith('/')) return troubleAt(path);
  // Where it is in each repository it is in its place.
  if (!(await isFile(resolve(cwd, path))) || (await isInRepository(path, cwd))) return null;
  return `${word} is looked for in each task's clone, not here: give its absolute path, ${resolve(cwd, path)}`;
}

async function troubleAt(path: string): Promise<string | null> {
  if (!(await isFile(path))) return `there is no program ${path}: check the command`;
  try {
    await access(path, constants.X_OK);
    return null;
  } catch {
    return `${path} cannot be run: make it executable with \`chmod +x\``;
  }
}

/** Programs on the PATH, what is built in, and words of the shell's own such as `if`. */
async function isKnownToShell(word: string): Promise<boolean> {
  const { failed } = await execa('/bin/sh', ['-c', 'command -v "$1"', 'sh', word], { reject: false });
  return !failed;
}

/** By that path from the top, which is where the command runs in a clone. */
async function isInRepository(path: string, cwd: string): Promise<boolean> {
  try {
    await git(['ls-files', '--error-unmatch', '--', `:(top,literal)${normalize(path)}`], { cwd });
    return true;
  } catch {
    return false;
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true;
}
