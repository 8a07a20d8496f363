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

/** Paths below these are there already. */
export const isOfTheSystem = (path: string): boolean =>
  programRoots.some((root) => path === root || path.startsWith(`${root}/`));

/** The system as an agent sees it: its programs, its settings without what is not for everybody, and folders of its own. */
export async function systemMounts(): Promise<readonly Mount[]> {
  const roots = await Promise.all([...programRoots, certificates, settings].map(rootMounts));
  return [
    ...roots.flat(),
    ...(await notForEverybody(settings)),
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

/** What only root or a group may read (shadow, private keys): a peer may run as root, its agents are everybody. */
async function notForEverybody(folder: string): Promise<readonly Mount[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const found = await Promise.all(entries.map((entry) => hidden(entry, join(folder, entry.name))));
  return found.flat();
}

async function hidden(entry: Dirent, path: string): Promise<readonly Mount[]> {
  if (entry.isSymbolicLink()) return [];
  const found = await lstat(path).catch(() => null);
  if (found === null || isForEverybody(found)) return entry.isDirectory() ? notForEverybody(path) : [];
  return [{ type: entry.isDirectory() ? 'empty' : 'masked', path }];
}

const isForEverybody = (found: Stats): boolean =>
  (found.mode & (found.isDirectory() ? 0o005 : 0o004)) === (found.isDirectory() ? 0o005 : 0o004);
