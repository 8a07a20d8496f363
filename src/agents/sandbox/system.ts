import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Mount } from './layout.ts';

/** Where systems keep their programs. The rest of them is not there: /var, /srv, /home, /mnt, … */
const programRoots = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/nix/store',
  '/gnu/store',
];
/** Where openSUSE keeps the certificates that /etc points to. */
const certificates = '/var/lib/ca-certificates';
const settings = '/etc';
/** Where people put programs of their own, with settings beside them. Deeper than this there is too much to look at. */
const installed = ['/opt', '/usr/local'];
const installedLevels = 3;

/** Paths below these are there already. */
export const isOfTheSystem = (path: string): boolean =>
  programRoots.some((root) => path === root || path.startsWith(`${root}/`));

/** The system as an agent sees it: its programs and settings without what is not for everybody, folders of its own. */
export async function systemMounts(): Promise<readonly Mount[]> {
  const roots = await Promise.all([...programRoots, certificates, settings].map(rootMounts));
  return [
    ...roots.flat(),
    ...(await notForEverybody(settings)),
    ...(await Promise.all(installed.map((folder) => notForEverybody(folder, installedLevels)))).flat(),
    { type: 'proc', path: '/proc' },
    { type: 'dev', path: '/dev' },
    ...['/tmp', '/run', '/var/tmp'].map((path): Mount => ({ type: 'empty', path })),
  ];
}

async function rootMounts(path: string): Promise<readonly Mount[]> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return [];
  // /bin is a link to usr/bin on most.
  const target = found.isSymbolicLink() ? await readlink(path) : null;
  if (target !== null && !isAbsolute(target)) return [{ type: 'link', path, target }];
  return [{ type: 'read-only', path, source: await realpath(path) }];
}

/**
 * What only root or a group may read (shadow, private keys): a peer may run as root, its agents are everybody. `levels`
 * deep at most.
 */
export async function notForEverybody(folder: string, levels = Number.POSITIVE_INFINITY): Promise<readonly Mount[]> {
  if (levels === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const found = await Promise.all(entries.map((entry) => hidden(entry, join(folder, entry.name), levels - 1)));
  return found.flat();
}

async function hidden(entry: Dirent, path: string, below: number): Promise<readonly Mount[]> {
  if (entry.isSymbolicLink()) return [];
  const found = await lstat(path).catch(() => null);
  if (found === null || isForEverybody(found)) return entry.isDirectory() ? notForEverybody(path, below) : [];
  return [{ type: entry.isDirectory() ? 'empty' : 'masked', path }];
}

const isForEverybody = (found: Stats): boolean =>
  (found.mode & (found.isDirectory() ? 0o005 : 0o004)) === (found.isDirectory() ? 0o005 : 0o004);
