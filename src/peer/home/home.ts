import { access, constants, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { HomeError } from './errors.ts';
import { codeOf, messageOf, syncFolder } from './files.ts';

/** Where everything of one peer lies. */
export interface Home {
  readonly folder: string;
  /** The peer's private key. */
  readonly identity: string;
  /** The mesh's name and key. */
  readonly mesh: string;
  /** A person's defaults for `peer start`; may be absent. */
  readonly config: string;
  readonly apiToken: string;
  /** For one process at a time. */
  readonly store: string;
  readonly mirrors: string;
  readonly work: string;
  readonly logs: string;
  /** Temporary files: whatever is here when a peer starts was left by one that was killed. */
  readonly scratch: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The home that `PEER_HOME` names, or `~/.issue-mesh`. Only says where things are; touches nothing. */
export function locateHome(env: Environment): Home {
  const folder = resolve(env.PEER_HOME || join(homedir(), '.issue-mesh'));
  return {
    folder,
    identity: join(folder, 'identity.key'),
    mesh: join(folder, 'mesh.json'),
    config: join(folder, 'config.json'),
    apiToken: join(folder, 'api-token'),
    store: join(folder, 'store'),
    mirrors: join(folder, 'mirrors'),
    work: join(folder, 'work'),
    logs: join(folder, 'logs'),
    scratch: join(folder, 'tmp'),
  };
}

/**
 * Creates what is missing of the home, for this user alone (0700), and checks that it can be written to. A folder that
 * is already there keeps its mode: it may be one that others use too, and every secret in it is 0600.
 * @throws HomeError `not-a-folder`, `not-writable`.
 */
export async function openHome(env: Environment): Promise<Home> {
  const home = locateHome(env);
  for (const folder of [home.folder, home.store, home.mirrors, home.work, home.logs]) await ensureFolder(folder);
  await syncFolder(home.folder);
  return home;
}

/**
 * Whether `openHome` would succeed, and whether there is anything yet; touches nothing.
 * @throws HomeError `not-a-folder`, `not-writable`.
 */
export async function inspectHome(home: Home): Promise<{ readonly isThere: boolean }> {
  for (const folder of [home.folder, home.store, home.mirrors, home.work, home.logs]) {
    const found = await nearestThere(folder);
    // Of one that is to be made, no more is asked than that it can be.
    const needed =
      found === folder ? constants.R_OK | constants.W_OK | constants.X_OK : constants.W_OK | constants.X_OK;
    await checked(found, async () => {
      if (!(await stat(found)).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
      await access(found, needed);
    });
  }
  return { isThere: (await nearestThere(home.folder)) === home.folder };
}

/** The folder itself, or what of its path there is. */
export async function nearestThere(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    (error) => codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR',
  );
  return isThere || dirname(folder) === folder ? folder : nearestThere(dirname(folder));
}

const ensureFolder = (folder: string): Promise<void> =>
  checked(folder, async () => {
    await makeFolder(folder);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  });

async function checked(folder: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notAFolder(folder, cause);
    const message = `${folder} is not a folder you can write to (${messageOf(cause)}): ${mend}`;
    throw new HomeError('not-writable', folder, message, { cause });
  }
}

const mend = 'make it so, or set PEER_HOME to another folder';

export const notAFolder = (folder: string, cause: unknown): HomeError =>
  new HomeError('not-a-folder', folder, `${folder} is not a folder: ${mend}`, { cause });

/** With its parents. Not by `recursive`: where a parent refuses with ENOENT (below /proc), Node would try for ever. */
async function makeFolder(folder: string): Promise<void> {
  const make = (): Promise<void> => mkdir(folder, { mode: 0o700 });
  try {
    await make().catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeFolder(dirname(folder));
      await make();
    });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
  }
}
