import { type GitOptions, git } from '../git.ts';

/** A file of an index. */
export interface IndexFile {
  readonly path: string;
  /** Its mode and object id. */
  readonly content: string;
}

/** A file that something else than the agent has made, changed or removed. */
export interface Dropping {
  readonly path: string;
  /** As it was left, like `IndexFile.content`; null where it was removed. */
  readonly left: string | null;
  /** As it was before; null where there was none. */
  readonly before: string | null;
}

/** What lies in the clone and is no work, as long as it is as it was left. */
export interface Droppings {
  readonly files: readonly Dropping[];
  /** A file with the objects of what was before, which may be nowhere else; null where there are none. */
  readonly pack: string | null;
}

export const noDroppings: Droppings = { files: [], pack: null };

export async function filesIn(index: GitOptions): Promise<readonly IndexFile[]> {
  const { stdout } = await git(['ls-files', '--stage', '-z'], index);
  return stdout.split('\0').flatMap((entry) => {
    const [, content, path] = /^(\d+ [0-9a-f]+) \d\t(.*)$/s.exec(entry) ?? [];
    return content === undefined || path === undefined ? [] : [{ path, content }];
  });
}

/** From one tree to another. What was before is packed into a file whose name begins with `prefix`. */
export async function findDroppings(from: string, to: string, prefix: string, options: GitOptions): Promise<Droppings> {
  const raw = ['-r', '-z', '--raw', '--no-renames', '--no-abbrev'];
  const { stdout } = await git(['diff-tree', ...raw, from, to], options);
  // `:<mode> <mode> <id> <id> M`, then the path.
  const fields = stdout.split('\0');
  const files = fields.flatMap((path, i) => {
    const [, ...entry] = (i % 2 === 1 ? fields[i - 1] : undefined)?.split(/[: ]/) ?? [];
    const [modeBefore, modeLeft, before, left] = entry;
    // A name that is no text could not be written back.
    return entry.length === 0 || path.includes('\uFFFD')
      ? []
      : [{ path, left: contentOf(modeLeft, left), before: contentOf(modeBefore, before) }];
  });
  const ids = files.flatMap(({ before }) =>
    before === null || isGitlink(before) ? [] : [`${before.split(' ')[1]}\n`],
  );
  if (ids.length === 0) return { files, pack: null };
  const packed = await git(['pack-objects', '--quiet', '--end-of-options', prefix], {
    ...options,
    input: ids.join(''),
  });
  return { files, pack: `${prefix}-${packed.stdout.trim()}.pack` };
}

const contentOf = (mode = '', id = ''): string | null => (mode === '000000' ? null : `${mode} ${id}`);

/** Another repository's commit. */
export const isGitlink = (content: string): boolean => content.startsWith('160000 ');

/** Undoes them in an index that has `files`; one that the agent has written to since is its work. Gives the agent's. */
export async function undoDroppings(
  { files: droppings, pack }: Droppings,
  files: readonly IndexFile[],
  index: GitOptions,
) {
  const now = new Map(files.map(({ path, content }) => [path, content]));
  const undone = new Map(
    droppings.flatMap((one) => ((now.get(one.path) ?? null) === one.left ? [[one.path, one.before]] : [])),
  );
  if (undone.size === 0) return files;
  if (pack !== null) await git(['index-pack', '--stdin'], { ...index, inputFile: pack });
  const work = files.filter(({ path }) => !undone.has(path));
  const gone = [...undone.keys()].filter((path) => now.has(path)).map((path) => `${path}\0`);
  await git(['update-index', '--force-remove', '-z', '--stdin'], { ...index, input: gone.join('') });
  const back = [...undone].flatMap(([path, content]) => (content === null ? [] : [{ path, content }]));
  // The work comes last, so that it wins.
  if (back.length > 0) await writeIndex([...back, ...inTheWay(work, back)], index);
  return work;
}

/** A file where a folder was, or below a folder where a file was. */
function inTheWay(work: readonly IndexFile[], back: readonly IndexFile[]): readonly IndexFile[] {
  const paths = new Set(back.map(({ path }) => path));
  const folders = new Set(back.flatMap(({ path }) => foldersOf(path)));
  return work.filter(({ path }) => folders.has(path) || foldersOf(path).some((folder) => paths.has(folder)));
}

/** `a/b/c` → `a`, `a/b`. */
const foldersOf = (path: string): readonly string[] =>
  [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));

export async function writeIndex(files: readonly IndexFile[], index: GitOptions): Promise<void> {
  const input = files.map(({ path, content }) => `${content}\t${path}\0`).join('');
  await git(['update-index', '-z', '--index-info'], { ...index, input });
}
