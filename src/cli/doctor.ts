import { lstat, statfs } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { chooseExecutor } from '../agents/executors/choose.ts';
import { checkToken } from '../agents/forge/access.ts';
import { git } from '../agents/git.ts';
import { openSandboxes } from '../agents/sandbox/open-sandboxes.ts';
import { doubtsIn, readCatalogue } from '../agents/specialists/catalogue.ts';
import { problemText } from '../agents/specialists/specialist.ts';
import { listKept, sizeOf } from '../agents/workspace/kept.ts';
import type { ControlClient } from '../peer/control/client.ts';
import { type Config, loadConfig } from '../peer/home/config.ts';
import { type Home, inspectHome, locateHome, nearestThere } from '../peer/home/home.ts';
import { readIdentity } from '../peer/home/identity.ts';
import { loadMesh } from '../peer/home/mesh.ts';
import { commandTrouble } from './command-program.ts';
import type { Context } from './context.ts';
import { messageOf } from './errors.ts';
import { nameText } from './output.ts';
import { withoutFile } from './specialists.ts';

/** One thing that was looked at. A warning is something that a person may have meant to be so. */
export interface Check {
  readonly name: string;
  readonly state: 'good' | 'warning' | 'bad';
  /** What was found, and the mend where it is not as it should be. */
  readonly detail: string;
}

type Finding = Omit<Check, 'name'>;
type Find<Of extends readonly unknown[]> = (...of: Of) => Promise<Finding | readonly Finding[]>;
type Env = Context['env'];

const leastSpaceBytes = 1024 ** 3;

const good = (detail: string): Finding => ({ state: 'good', detail });
const warning = (detail: string): Finding => ({ state: 'warning', detail });
const bad = (detail: string): Finding => ({ state: 'bad', detail });

/** Looks at everything that a peer needs here; makes no state folder or identity, and never throws. */
export async function examine(env: Env, client: ControlClient): Promise<readonly Check[]> {
  const place = locateHome(env);
  const [home] = await look('state folder', () => stateFolder(place));
  const config = await loadConfig(place).catch(messageOf);
  const ofHome = (name: string, find: Find<[Home]>): Promise<readonly Check[]> =>
    look(name, async () => (home?.state === 'bad' ? warning('see the state folder') : find(place)));
  // What is wrong in it is told once.
  const ofConfig = (name: string, find: Find<[Home, Config]>): Promise<readonly Check[]> =>
    ofHome(name, async (one) => (typeof config === 'string' ? warning('see config.json') : find(one, config)));
  const checks = await Promise.all([
    look('node', async () => good(process.versions.node)),
    look('git', async () => good((await git(['--version'])).stdout.trim().replace(/^git version /, ''))),
    home === undefined ? [] : [home],
    ofHome('config.json', async () => (typeof config === 'string' ? bad(config) : settings(config))),
    ofHome('identity', identity),
    ofHome('mesh', (one) => mesh(one, env)),
    ofHome('secrets', secrets),
    ofConfig('executor', (one, said) => executor(one, said, env, client)),
    ofConfig('sandbox', (one, said) => sandbox(one, said, client)),
    ofConfig('specialists', (one, said) => specialists(one, said, client)),
    ofHome('disk', space),
    ofHome('kept work', keptWork),
    look('GitHub', () => gitHub(env)),
    look('network', async () => interfaces()),
    look('peer', () => peer(client)),
  ]);
  return checks.flat();
}

async function stateFolder(home: Home): Promise<Finding> {
  const { isThere } = await inspectHome(home);
  return good(isThere ? home.folder : `${home.folder}, made by the first \`peer start\``);
}

function settings(config: Config): Finding {
  const names = Object.keys(config);
  return good(names.length === 0 ? 'says nothing: the defaults count' : names.join(', '));
}

async function identity(home: Home): Promise<Finding> {
  const found = await readIdentity(home);
  return good(found?.peer ?? 'none yet: the first `peer start` makes one');
}

async function mesh(home: Home, env: Env): Promise<Finding> {
  const found = await loadMesh(home, env);
  return found === null
    ? warning('none yet: `peer init` makes one, `peer join CODE` enters one')
    : good(nameText(found.name));
}

async function secrets(home: Home): Promise<Finding> {
  const open: string[] = [];
  for (const file of [home.identity, home.mesh]) {
    const found = await lstat(file).catch(() => null);
    if (found !== null && (found.mode & 0o077) !== 0) open.push(file);
  }
  return open.length === 0 ? good('for you alone') : bad(`others can read them: chmod 600 ${open.join(' ')}`);
}

/** What the running peer was told counts more than what a new one would be. */
async function executor(home: Home, config: Config, env: Env, client: ControlClient): Promise<Finding> {
  const self = (await client.isThere()) ? (await client.status()).peers.find((peer) => peer.self) : undefined;
  const running = self?.executor == null ? null : `${self.executor}, of the peer that is running`;
  const trouble = await commandTrouble(config, home.folder);
  if (trouble !== null) {
    return warning([`config.json, command: ${trouble}`, ...(running === null ? [] : [running])].join('; '));
  }
  if (running !== null) return good(running);
  const found = await chooseExecutor({ executor: config.executor ?? 'auto', command: config.command ?? null, env });
  if ('reason' in found && found.isRefusal) return bad(`config.json asks for ${found.reason}; or remove the line`);
  if ('reason' in found) return warning(`this PC takes no work: ${found.reason}`);
  return good(`${found.executor.name} (${found.why})`);
}

async function specialists(home: Home, config: Config, client: ControlClient): Promise<readonly Finding[]> {
  const catalogue = await readCatalogue(home.folder);
  const own = catalogue.specialists.filter(({ origin }) => origin === 'home').length;
  const count = `${catalogue.specialists.length - own} built in, ${own} of your own`;
  const nameless = withoutFile(await specialtiesHere(config, client), catalogue);
  return [
    good(count),
    ...catalogue.problems.map((problem) => bad(`${problemText(problem)}: correct it`)),
    ...doubtsIn(catalogue).map((doubt) => warning(problemText(doubt))),
    ...(nameless.length === 0
      ? []
      : [warning(`none for ${nameless.join(', ')}, which \`general\` does: \`peer agents\` lists them`)]),
  ];
}

async function specialtiesHere(config: Config, client: ControlClient): Promise<readonly string[]> {
  if (!(await client.isThere())) return config.specialties ?? [];
  return (await client.status()).peers.find(({ self }) => self)?.specialties ?? [];
}

/** What the running peer was started with counts more than what a new one would be. */
async function sandbox(home: Home, config: Config, client: ControlClient): Promise<Finding> {
  const self = (await client.isThere()) ? (await client.status()).peers.find((peer) => peer.self) : undefined;
  if (self !== undefined && self.sandbox === null) {
    return warning('none, of the peer that is running: start it with --sandbox auto where bubblewrap works');
  }
  const { sandbox: mode = 'auto', allowHosts = [] } = config;
  const found = await openSandboxes({ mode, peerHome: home.folder, allowHosts });
  if (found.type === 'sandbox') return good(found.sandboxes.name ?? '');
  return mode === 'require'
    ? bad(`config.json requires one: ${found.reason}`)
    : warning(`agents can read what you can: ${found.reason}`);
}

async function space(home: Home): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestThere(home.folder));
  const free = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free`;
  return bavail * bsize < leastSpaceBytes ? bad(`${free}: make room for clones`) : good(free);
}

/** Attempts that ended with work that is nowhere else. */
async function keptWork({ work }: Home): Promise<Finding> {
  const kept = await listKept(work);
  if (kept.length === 0) return good('none');
  const mib = Math.ceil((await sizeOf(kept)) / 1024 ** 2);
  const what = kept.length === 1 ? '1 clone' : `${kept.length} clones`;
  return warning(
    `${what} with work that was not published, ${mib} MiB: ${work}/kept-*; take what you want, and remove them`,
  );
}

async function gitHub(env: Env): Promise<Finding> {
  const token = await checkToken(env);
  switch (token.type) {
    case 'none':
      return warning('no token: set GITHUB_TOKEN for private repositories and pull requests');
    case 'valid':
      return good(`the token is ${token.login}'s`);
    case 'refused':
      return bad(token.error.message);
  }
}

function interfaces(): Finding {
  const found = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
    (all ?? []).flatMap(({ internal, family, address }) =>
      internal || family !== 'IPv4' ? [] : [`${name} ${address}`],
    ),
  );
  return found.length === 0
    ? warning('no interface leads to other PCs: connect one')
    : good(`${found.join(', ')}; where peers do not meet, give \`peer start\` a --peer address`);
}

async function peer(client: ControlClient): Promise<Finding> {
  if (!(await client.isThere())) return warning('none is running here: `peer start`');
  const { name, peers, refused } = await client.status();
  if (refused.length > 0)
    return bad(`${refused.length} peers of other versions were refused: update them, or this one`);
  const others = peers.length - 1;
  return good(`${nameText(name)} is running and sees ${others} ${others === 1 ? 'other' : 'others'}`);
}

async function look(name: string, find: Find<[]>): Promise<readonly Check[]> {
  try {
    return [await find()].flat().map((finding) => ({ name, ...finding }));
  } catch (error) {
    return [{ name, ...bad(messageOf(error)) }];
  }
}
