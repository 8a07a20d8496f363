import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { readPlainFile } from '../plain-file.ts';

/** A repository's own test command, as its files tell it. */
export interface Detected {
  /** What people call it: `npm test`. */
  readonly name: string;
  /** The shell's command line, with what has to be installed before. */
  readonly line: string;
  /** What must be on this PC for it. */
  readonly program: string;
  readonly folder: string;
}

type Found = Omit<Detected, 'folder'>;

/** Far more than any manifest. */
const maxBytes = 1024 * 1024;

/**
 * Looks for what the folder's tests are run by, then for those of the whole clone. The files may be an agent's: they
 * are read with care, and what they say runs in the agent's sandbox.
 */
export async function detectVerify(clone: string, folder: string): Promise<Detected | null> {
  for (const one of new Set([folder, clone])) {
    for (const look of [javascript, python, cargo, go, make]) {
      const found = await look(one, clone);
      if (found !== null) return { ...found, folder: one };
    }
  }
  return null;
}

const manifestSchema = z.object({
  scripts: z.object({ test: z.string().optional() }).optional(),
  dependencies: z.looseObject({}).optional(),
  devDependencies: z.looseObject({}).optional(),
});

async function javascript(folder: string, clone: string): Promise<Found | null> {
  const manifest = manifestSchema.safeParse(parsed(await read(folder, 'package.json'))).data;
  const test = manifest?.scripts?.test?.trim() ?? '';
  // The words of npm's own placeholder, which always fails.
  if (test === '' || /no test specified/i.test(test)) return null;
  const locked = await lockOf(folder, clone);
  const { manager, install } = locked ?? unlocked;
  const run = manager === 'bun' ? 'bun run test' : `${manager} test`;
  const hasNeeds = locked !== null || manifest?.dependencies !== undefined || manifest?.devDependencies !== undefined;
  // Up to the lock file, by dots and slashes alone: nothing of it needs quoting.
  const root = relative(folder, locked?.at ?? folder) || '.';
  const setUp = `{ [ -d ${root}/node_modules ] || ( cd ${root} && ${install} ); } && `;
  return { name: run, line: `${hasNeeds ? setUp : ''}${run}`, program: manager };
}

interface Manager {
  readonly manager: string;
  readonly install: string;
}

const locks: readonly (Manager & { readonly files: readonly string[] })[] = [
  { manager: 'npm', install: 'npm ci', files: ['package-lock.json', 'npm-shrinkwrap.json'] },
  { manager: 'pnpm', install: 'pnpm install --frozen-lockfile', files: ['pnpm-lock.yaml'] },
  { manager: 'yarn', install: 'yarn install', files: ['yarn.lock'] },
  { manager: 'bun', install: 'bun install --frozen-lockfile', files: ['bun.lock', 'bun.lockb'] },
];
const unlocked: Manager = { manager: 'npm', install: 'npm install --no-package-lock' };

/** In a monorepo the lock file is where all its packages are. */
async function lockOf(folder: string, clone: string): Promise<(Manager & { readonly at: string }) | null> {
  const names = await namesIn(folder);
  const lock = locks.find(({ files }) => files.some((file) => names.includes(file)));
  if (lock !== undefined) return { ...lock, at: folder };
  return folder === clone || !folder.startsWith(clone) ? null : lockOf(join(folder, '..'), clone);
}

async function python(folder: string): Promise<Found | null> {
  const names = await namesIn(folder);
  const isPytest =
    names.includes('pytest.ini') || (await says(folder, pytestSections)) || (await hasTests(folder, names));
  if (!isPytest) return null;
  if (names.includes('uv.lock')) return { name: 'uv run pytest', line: 'uv run pytest', program: 'uv' };
  return { name: 'pytest', line: 'pytest', program: 'pytest' };
}

const pytestSections = {
  'pyproject.toml': /^\[tool\.pytest/m,
  'setup.cfg': /^\[tool:pytest\]/m,
  'tox.ini': /^\[pytest\]/m,
};

/** A folder of tests beside what makes it a Python project. */
async function hasTests(folder: string, names: readonly string[]): Promise<boolean> {
  const isProject = names.some((name) => /^(pyproject\.toml|setup\.(py|cfg)|requirements[\w.-]*\.txt)$/.test(name));
  if (!isProject || !names.includes('tests')) return false;
  return (await namesIn(join(folder, 'tests'))).some((name) => /^test_.*\.py$|_test\.py$/.test(name));
}

async function cargo(folder: string): Promise<Found | null> {
  const has = (await namesIn(folder)).includes('Cargo.toml');
  return has ? { name: 'cargo test', line: 'cargo test', program: 'cargo' } : null;
}

async function go(folder: string): Promise<Found | null> {
  const has = (await namesIn(folder)).includes('go.mod');
  return has ? { name: 'go test ./...', line: 'go test ./...', program: 'go' } : null;
}

async function make(folder: string): Promise<Found | null> {
  const has = await says(folder, { GNUmakefile: testTarget, makefile: testTarget, Makefile: testTarget });
  return has ? { name: 'make test', line: 'make test', program: 'make' } : null;
}

const testTarget = /^test[ \t]*:(?!=)/m;

/** One of the files has a line like that. */
async function says(folder: string, patterns: Readonly<Record<string, RegExp>>): Promise<boolean> {
  for (const [name, pattern] of Object.entries(patterns)) {
    if (pattern.test((await read(folder, name)) ?? '')) return true;
  }
  return false;
}

const read = (folder: string, name: string): Promise<string | null> => readPlainFile(join(folder, name), maxBytes);

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

function parsed(json: string | null): unknown {
  try {
    return json === null ? null : JSON.parse(json);
  } catch {
    return null;
  }
}
