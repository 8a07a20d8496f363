import { createAgentRunner } from '../agents/attempt/runner.ts';
import { type ChosenExecutor, chooseExecutor, type NoneChosen } from '../agents/executors/choose.ts';
import { createForgeFor } from '../agents/forge/select.ts';
import { openSandboxes } from '../agents/sandbox/open-sandboxes.ts';
import { noSandboxes, type Sandboxes } from '../agents/sandbox/sandbox.ts';
import type { Catalogue } from '../agents/specialists/catalogue.ts';
import { CheckpointFolder } from '../peer/checkpoints/folder.ts';
import { type ControlServer, serveControl } from '../peer/control/server.ts';
import type { Log } from '../peer/driver.ts';
import { loadConfig } from '../peer/home/config.ts';
import { type Home, openHome } from '../peer/home/home.ts';
import { hostId } from '../peer/home/host.ts';
import { createVerify, loadIdentity } from '../peer/home/identity.ts';
import { inviteCode, type Mesh } from '../peer/home/join-code.ts';
import { initMesh, loadMesh } from '../peer/home/mesh.ts';
import { socketPath } from '../peer/home/socket.ts';
import { answerBeacon, listenForMeshes } from '../peer/network/beacon.ts';
import { createLibp2pNetwork } from '../peer/network/libp2p.ts';
import type { PeerService } from '../peer/service.ts';
import { startPeer } from '../peer/start.ts';
import { createLevelStore } from '../peer/store/level-store.ts';
import { commandTrouble } from './command-program.ts';
import type { Context } from './context.ts';
import { CliError, ExitCodes, usageError } from './errors.ts';
import { createLog, type LogFormat, logLevel } from './log.ts';
import { nameText } from './output.ts';
import { namelessNote, soundCatalogue } from './specialists.ts';
import { type StartFlags, type StartOptions, startOptions } from './start-options.ts';

const listenForMeshesMs = 3_000;
const mostMeshesNamed = 5;
/** Draining has 8 s; whatever holds the rest up must not hold up a shutdown. */
const stopMs = 9_500;

/** Whoever was named with --peer should have answered by now. */
const aloneMs = 10_000;

/** Runs a peer until it is told to stop, in the foreground. */
export async function runPeer(context: Context, flags: StartFlags): Promise<void> {
  const log = createLog(flags.logFormat, logLevel(context.env.LOG_LEVEL));
  const home = await openHome(context.env);
  const options = startOptions(flags, await loadConfig(home));
  const chosen = await executorFor(options, context);
  const catalogue = await soundCatalogue(home);
  const sandboxes = await sandboxesFor(home, options, log);
  const known = await loadMesh(home, context.env);
  const mesh = known ?? (await firstMesh(context, home, options.mdns));
  const ended = Promise.withResolvers<void>();
  // Whoever waits for it does so below; until then its failing is nobody's.
  ended.promise.catch(() => {});
  const service = await startService(
    context,
    home,
    mesh,
    { ...options, chosen, catalogue, sandboxes },
    log,
    ended.reject,
  );
  const stop = stopper(service, ended, log);
  const beacon = options.mdns ? answerBeacon({ meshName: mesh.name }) : null;
  let control: ControlServer | null = null;
  let alone: NodeJS.Timeout | null = null;
  const unlisten = onSignals(context, stop, ended.reject);
  try {
    control = await serveControl(service, socketPath(home), stop);
    sayReady(context, service, options.logFormat);
    alone = setTimeout(() => warnIfAlone(service, options, log), aloneMs);
    // The code holds the key: it is shown to a person in front of a terminal, never written to a log.
    if (known === null && context.isTerminal) context.err(`on your other PCs: peer join ${inviteCode(mesh)}`);
    await ended.promise;
  } finally {
    unlisten();
    if (alone !== null) clearTimeout(alone);
    beacon?.stop();
    await control?.close();
  }
  log('info', 'stopped', { peer: service.self });
}

/** What this PC brings to its agents. */
interface Means {
  readonly chosen: ChosenExecutor | NoneChosen;
  readonly catalogue: Catalogue;
  readonly sandboxes: Sandboxes;
}

async function startService(
  { env, version, cwd }: Context,
  home: Home,
  mesh: Mesh,
  options: StartOptions & Means,
  log: Log,
  onFatal: (error: unknown) => void,
): Promise<PeerService> {
  const identity = await loadIdentity(home);
  const host = await hostId();
  const { chosen } = options;
  const executor = 'reason' in chosen ? chosen : chosen.executor;
  const service = await startPeer({
    identity: { ...identity, verify: createVerify() },
    mesh,
    role: 'peer',
    name: options.name,
    specialties: options.specialties,
    capacity: options.capacity,
    budgets: options.budgets,
    version,
    host,
    executor: 'reason' in executor ? { unusable: executor.reason } : { name: executor.name },
    sandbox: options.sandboxes.name,
    network: createLibp2pNetwork({
      privateKey: identity.privateKey,
      meshKey: mesh.key,
      ...(options.listen && { listen: options.listen }),
      dial: [...options.peers, ...mesh.addresses],
      mdns: options.mdns,
      log: ({ event, ...facts }) => log(event === 'multicast-failed' ? 'warn' : 'debug', event, facts),
    }),
    store: createLevelStore(home.store),
    agents: (files, fateOf) =>
      createAgentRunner({
        home: home.folder,
        host,
        executor,
        forgeFor: createForgeFor(env, home.scratch),
        files,
        specialists: options.catalogue,
        checkpointEveryMs: options.checkpointEveryMs,
        sandboxes: options.sandboxes,
        verify: options.verify,
        fateOf,
      }),
    checkpoints: new CheckpointFolder(home.folder),
    log,
    onFatal,
  });
  if ('reason' in chosen) log('warn', 'no-executor', { reason: `this PC takes no work: ${chosen.reason}` });
  else log('info', 'executor', { executor: chosen.executor.name, why: chosen.why });
  const trouble = await commandTrouble(options, cwd);
  if (trouble !== null) log('warn', 'command', { reason: trouble });
  const nameless = namelessNote(options.specialties, options.catalogue);
  if (nameless !== null) log('warn', 'specialties', { reason: nameless });
  return service;
}

/** Better no peer than one that was told who is to do the work, and does none. */
async function executorFor(options: StartOptions, { env }: Context): Promise<ChosenExecutor | NoneChosen> {
  const chosen = await chooseExecutor({ ...options, env });
  if ('reason' in chosen && chosen.isRefusal) throw usageError(`${chosen.reason}; or start with --executor auto`);
  return chosen;
}

/** Better no peer than one that does without what it was told to insist on. */
async function sandboxesFor(home: Home, { sandbox: mode, allowHosts }: StartOptions, log: Log): Promise<Sandboxes> {
  const opened = await openSandboxes({ mode, peerHome: home.folder, allowHosts });
  if (opened.type === 'sandbox') return opened.sandboxes;
  if (mode === 'require') throw usageError(`no sandbox: ${opened.reason}; or start with --sandbox auto`);
  log('warn', 'no-sandbox', { reason: opened.reason });
  return noSandboxes;
}

/** No mesh yet: makes one, unless another is within earshot, which this PC most likely is to enter. */
async function firstMesh(context: Context, home: Home, mdns: boolean): Promise<Mesh> {
  if (mdns) {
    context.err('this PC is in no mesh yet; listening for one nearby …');
    const heard = await listenForMeshes(listenForMeshesMs);
    if (heard.length > 0) {
      const which = `${heard.length === 1 ? 'the mesh' : 'the meshes'} ${meshNames(heard)}`;
      throw usageError(
        `${which} can be heard here: run \`peer invite\` on one of its PCs and \`peer join CODE\` here, or \`peer init --name other\` for a mesh of your own`,
      );
    }
  }
  const mesh = await initMesh(home);
  context.err(`made the mesh ${nameText(mesh.name)}; \`peer invite\` prints the code for your other PCs`);
  return mesh;
}

/** Anybody on the network can have answered, and as often as they like. */
function meshNames(heard: readonly string[]): string {
  const rest = heard.length - mostMeshesNamed;
  return [...heard.slice(0, mostMeshesNamed).map(nameText), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

/** The likeliest mistake of a first day: the other PC has another key, or is not there. It looks the same from here. */
function warnIfAlone(service: PeerService, { peers }: StartOptions, log: Log): void {
  if (peers.length === 0 || service.peers().length > 1) return;
  const mend = 'is a peer of this mesh running there? A PC enters one by `peer invite` there and `peer join CODE` here';
  log('warn', 'nobody-answers', { at: peers, mend });
}

/** Programs wait for this line, whatever LOG_LEVEL leaves of the others. */
function sayReady(context: Context, service: PeerService, format: LogFormat): void {
  const [peer, addresses] = [service.self, service.addresses()];
  if (format === 'json') return context.err(JSON.stringify({ event: 'ready', peer, addresses }));
  context.err(`ready: ${nameText(service.name)} in the mesh ${nameText(service.mesh)}`);
  for (const address of addresses) context.err(`  ${address}`);
}

type Ended = PromiseWithResolvers<void>;

/** Hands over, closes and ends; called again it does nothing more. */
function stopper(service: PeerService, ended: Ended, log: Log): () => void {
  let isStopping = false;
  return () => {
    if (isStopping) return;
    isStopping = true;
    log('info', 'stopping', {});
    const late = new CliError(ExitCodes.failed, 'not everything could be handed over in time: the others take it over');
    setTimeout(() => ended.reject(late), stopMs).unref();
    service.stop().then(ended.resolve, ended.reject);
  };
}

/** The first signal hands over, the second ends at once. */
function onSignals(context: Context, stop: () => void, end: (error: CliError) => void): () => void {
  let count = 0;
  const onSignal = (): void => {
    count += 1;
    if (count > 1) return end(new CliError(ExitCodes.failed, 'ended at once, as asked'));
    if (context.isTerminal) context.err('handing over; once more to end at once');
    stop();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return () => {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  };
}
