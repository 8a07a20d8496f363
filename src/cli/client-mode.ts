import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointFolder } from '../peer/checkpoints/folder.ts';
import { ControlClient } from '../peer/control/client.ts';
import { serveControl } from '../peer/control/server.ts';
import { loadConfig } from '../peer/home/config.ts';
import { locateHome } from '../peer/home/home.ts';
import { hostId } from '../peer/home/host.ts';
import { createVerify, temporaryIdentity } from '../peer/home/identity.ts';
import type { Mesh } from '../peer/home/join-code.ts';
import { loadMesh } from '../peer/home/mesh.ts';
import { createLibp2pNetwork } from '../peer/network/libp2p.ts';
import type { PeerService } from '../peer/service.ts';
import { type PeerOptions, startPeer } from '../peer/start.ts';
import { createVolatileStore } from '../peer/store/volatile-store.ts';
import { type Context, clientOf } from './context.ts';
import { CliError, ExitCodes } from './errors.ts';
import { nameText } from './output.ts';

const patienceMs = 5_000;

export interface Way extends AsyncDisposable {
  readonly client: ControlClient;
}

/**
 * The way into the mesh: the peer that runs here, else a client that lasts as long as the command. A client has an
 * identity of its own, takes no seat and no work, and leaves nothing behind.
 * @throws CliError with exit code 4 where nobody was found in 5 s.
 */
export async function findMesh(context: Context): Promise<Way> {
  const client = clientOf(context);
  if (await client.isThere()) return { client, [Symbol.asyncDispose]: async () => {} };
  const mesh = await loadMesh(locateHome(context.env), context.env);
  if (mesh === null) {
    const mend = 'start one with `peer start`, or enter a mesh with `peer join CODE`';
    throw new CliError(ExitCodes.noPeer, `no peer is running here, and this PC is in no mesh: ${mend}`);
  }
  return joinAsClient(context, mesh);
}

async function joinAsClient(context: Context, mesh: Mesh): Promise<Way> {
  const service = await startClient(context, mesh);
  const folder = await mkdtemp(join(tmpdir(), 'peer-client-'));
  const socket = join(folder, 'peer.sock');
  const control = await serveControl(service, socket, () => {});
  const way: Way = {
    client: new ControlClient(socket),
    [Symbol.asyncDispose]: async () => {
      await control.close();
      await rm(folder, { recursive: true, force: true });
      await service.stop();
    },
  };
  if (await isMet(service)) return way;
  await way[Symbol.asyncDispose]();
  throw new CliError(
    ExitCodes.noPeer,
    `no peer of the mesh ${nameText(mesh.name)} was found in ${patienceMs / 1_000} s: start one with \`peer start\``,
  );
}

async function startClient(context: Context, mesh: Mesh): Promise<PeerService> {
  const identity = await temporaryIdentity();
  const config = await loadConfig(locateHome(context.env));
  return startPeer({
    identity: { ...identity, verify: createVerify() },
    mesh,
    role: 'client',
    name: 'client',
    specialties: [],
    capacity: 0,
    version: context.version,
    host: await hostId(),
    executor: { unusable: 'a client does no work' },
    network: createLibp2pNetwork({
      privateKey: identity.privateKey,
      meshKey: mesh.key,
      // It only dials.
      listen: [],
      dial: [...(config.peers ?? []), ...mesh.addresses],
      mdns: config.mdns ?? true,
    }),
    store: createVolatileStore(),
    agents: () => idle,
    // It has no seat, so nobody gives it anything to keep.
    checkpoints: new CheckpointFolder(join(tmpdir(), `peer-client-${process.pid}`)),
    log: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

async function isMet(service: PeerService): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  const unsubscribe = service.subscribe(({ type }) => {
    if (type === 'peer-up') resolve(true);
  });
  if (service.peers().length > 0) resolve(true);
  const met = await promise;
  clearTimeout(timer);
  unsubscribe();
  return met;
}

const idle: ReturnType<PeerOptions['agents']> = {
  start: () => {
    throw new Error('bug: a client was given work');
  },
  publish: () => {},
  stop: () => {},
  ended: () => {},
  aptitude: () => ({ noAccess: 'a client does no work', warm: false }),
  readLog: async () => ({ unavailable: 'a client has no logs' }),
  close: async () => {},
};
