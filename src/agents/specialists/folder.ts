import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { byText } from '../../protocol/ids.ts';
import { oneLine } from '../lines.ts';
import { codeOf } from '../retry.ts';
import { type Parsed, parseSpecialist } from './parse.ts';
import type { FiledSpecialist, Origin, SpecialistFolder, SpecialistProblem } from './specialist.ts';

/** In bytes. A prompt may become one argument of a command, which Linux ends at 128 KiB. */
const largestFile = 64 * 1024;
const mostFiles = 100;

/** Where a folder of specialists is, and what may be read of it. */
interface Place {
  readonly folder: string;
  readonly origin: Origin;
  /** No link is followed out of it; null: of any. */
  readonly root: string | null;
}

/** Those that come with the package. */
export const builtInSpecialists = (): Promise<SpecialistFolder> =>
  readPlace({ folder: join(import.meta.dirname, 'builtin'), origin: 'built-in', root: null });

/** A person's own, in the peer's state folder; they may be links to wherever that person keeps them. */
export const ownSpecialists = (home: string): Promise<SpecialistFolder> =>
  readPlace({ folder: join(home, 'agents'), origin: 'home', root: null });

/** Those of a repository, in a clone or a checkout. Anybody may have written them. */
export const repositorySpecialists = (root: string): Promise<SpecialistFolder> =>
  readPlace({ folder: join(root, '.claude', 'agents'), origin: 'repository', root });

interface FiledParsed extends Parsed {
  readonly path: string;
}

/** Never rejects: what cannot be read is a problem among the others. */
async function readPlace(place: Place): Promise<SpecialistFolder> {
  const folder = shownAs(place.folder, place);
  try {
    const names = await namesIn(place);
    const read: (FiledParsed | SpecialistProblem)[] = [];
    for (const name of names.slice(0, mostFiles)) read.push(await readFiled(join(place.folder, name), place));
    const surplus = { path: folder, line: null, message: `more than ${mostFiles} files: the rest is left out` };
    return sorted(names.length > mostFiles ? [...read, surplus] : read, place.origin);
  } catch (error) {
    return { specialists: [], problems: [{ path: folder, line: null, message: reasonOf(error) }] };
  }
}

/** Of two files with one name the first counts, and the other is a problem. */
function sorted(read: readonly (FiledParsed | SpecialistProblem)[], origin: Origin): SpecialistFolder {
  const specialists = new Map<string, FiledSpecialist>();
  const problems: SpecialistProblem[] = [];
  for (const one of read) {
    const twin = 'message' in one ? undefined : specialists.get(one.specialist.name);
    if ('message' in one) problems.push(one);
    else if (twin === undefined) specialists.set(one.specialist.name, filed(one, origin));
    else
      problems.push({ path: one.path, line: one.nameLine, message: `the name ${twin.name} is taken by ${twin.path}` });
  }
  return { specialists: [...specialists.values()], problems };
}

const filed = ({ specialist, path, doubts }: FiledParsed, origin: Origin): FiledSpecialist => ({
  ...specialist,
  origin,
  path,
  doubts: doubts.map((doubt) => ({ ...doubt, path })),
});

const shownAs = (path: string, { root }: Place): string => (root === null ? path : relative(root, path));

async function namesIn({ folder, root }: Place): Promise<readonly string[]> {
  try {
    const names = await readdir(await within(folder, root));
    return names.filter((name) => name.endsWith('.md')).sort(byText);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function readFiled(path: string, place: Place): Promise<FiledParsed | SpecialistProblem> {
  const shown = shownAs(path, place);
  try {
    return { ...parseSpecialist(await readText(await within(path, place.root))), path: shown };
  } catch (error) {
    return { path: shown, line: null, message: reasonOf(error) };
  }
}

/** A pipe would never end, and a device has no end: only files are read, and nothing waits for the opening of one. */
async function readText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('this is no file');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largestFile + 1), 0, largestFile + 1, 0);
    if (bytesRead > largestFile) throw new Error(`larger than ${largestFile / 1024} KiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The path without links, which must not lead out of `root`. */
async function within(path: string, root: string | null): Promise<string> {
  const real = await realpath(path);
  if (root !== null && !real.startsWith((await realpath(root)) + sep)) {
    throw new Error('a link that leads out of the repository');
  }
  return real;
}

/** `EACCES: permission denied`, without the path that Node adds. */
const reasonOf = (error: unknown): string =>
  oneLine(error instanceof Error ? (error.message.split(', ')[0] ?? '') : String(error), 200);
