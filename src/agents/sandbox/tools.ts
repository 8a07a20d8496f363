import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { isOfTheSystem } from './system.ts';

export interface Tools {
  /** The value of PATH inside: real paths. */
  readonly path: string;
  /** What has to be readable for it. */
  readonly roots: readonly string[];
}

/**
 * What version managers and installers keep in a home besides what they put on PATH, below their usual names. Programs
 * only: no settings, no credentials.
 */
const toolHomes = [
  ...['.pyenv', '.rbenv', '.nodenv', '.goenv', '.jenv', '.nvm', '.volta', '.asdf', '.sdkman', '.rustup'],
  ...['.local/lib', '.local/share/mise', '.local/share/fnm', '.local/share/pipx'],
  ...['.local/share/uv/python', '.local/share/uv/tools'],
];

/** The programs on PATH that are not the system's, with what belongs to them. `home` is a real path. */
export async function toolsOn(path: string, home: string): Promise<Tools> {
  const found = (await Promise.all(path.split(delimiter).map(realFolder))).filter((folder) => folder !== null);
  const folders = [...new Set(found.filter(isAbsolute))];
  const homes = toolHomes.map((name) => realFolder(join(home, name)));
  const roots = await Promise.all([...folders.map(rootsOf), Promise.all(homes)]);
  const shown = roots.flat().filter((root) => root !== null);
  const all = new Set(shown.filter((root) => !isOfTheSystem(root) && !isShared(root, home)));
  const isInAnother = (root: string): boolean => [...all].some((one) => root.startsWith(`${one}/`));
  return { path: found.join(delimiter), roots: [...all].filter((root) => !isInAnother(root)) };
}

/**
 * The files that a person's command line names, each with the installation that it belongs to: it may call a program
 * anywhere. What such a program needs besides is for the person to put where the system keeps its programs.
 */
export async function programsIn(commandLine: string, home: string): Promise<readonly string[]> {
  const words = [...commandLine.matchAll(/"([^"]*)"|'([^']*)'|[^\s"';|&<>()]+/g)].map(([word, a, b]) => a ?? b ?? word);
  const paths = words.map((word) => word.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/)/, home)).filter(isAbsolute);
  const roots = await Promise.all([...new Set(paths)].map(programAt));
  return [...new Set(roots.flat())].filter((root) => !isOfTheSystem(root) && !isShared(root, home));
}

async function programAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return [];
  const installation = await installationOf(dirname(path));
  return installation === null ? [path] : [path, installation];
}

/** Relative entries stay as they are: they are meant for where the agent will be. */
async function realFolder(folder: string): Promise<string | null> {
  return isAbsolute(folder) ? realpath(folder).catch(() => null) : folder || null;
}

/** Of a folder of programs, and of what links in it lead to: `~/.local/bin` holds little else. */
async function rootsOf(folder: string): Promise<readonly string[]> {
  if (isOfTheSystem(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const links = entries.filter((entry) => entry.isSymbolicLink());
  const targets = await Promise.all(links.map(({ name }) => realpath(join(folder, name)).catch(() => null)));
  const roots = targets.map(async (target) => target && ((await installationOf(dirname(target))) ?? target));
  const all = await Promise.all([...roots, installationOf(folder)]);
  return [folder, ...all.filter((root) => root !== null)];
}

/** The installation that a folder of programs belongs to; null where it looks like none. */
async function installationOf(folder: string): Promise<string | null> {
  const modules = /^.*?\/node_modules(?=\/|$)/.exec(folder)?.[0];
  if (modules !== undefined) return modules;
  if (!programFolders.includes(basename(folder))) return null;
  const beside = await readdir(dirname(folder)).catch((): string[] => []);
  // A checkout is somebody's work, whatever lies in it.
  if (beside.includes('.git')) return null;
  return beside.some((name) => besidePrograms.includes(name)) ? dirname(folder) : null;
}

const programFolders = ['bin', 'sbin', 'shims'];
const besidePrograms = ['lib', 'lib64', 'libexec', 'share', 'include', 'pkg', 'gems'];

/** The home, what it lies in, and `~/.local`: whatever is on PATH, much else is there too. */
const isShared = (folder: string, home: string): boolean =>
  folder === join(home, '.local') || `${home}/`.startsWith(folder === '/' ? '/' : `${folder}/`);
