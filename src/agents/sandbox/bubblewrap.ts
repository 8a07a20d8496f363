import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SupervisedCommand } from '../processes/supervised.ts';
import { AllowList } from './allow-list.ts';
import { type DeniedError, dialer, type Lookup, textOf } from './dial.ts';
import { bound, type Mount, mountArgs } from './layout.ts';
import { ForwardProxy } from './proxy.ts';
import { registries } from './registries.ts';
import type { Needs, OnDenied, Places, Sandbox } from './sandbox.ts';
import { systemMounts } from './system.ts';
import { toolsOn } from './tools.ts';

/** What is the same for all attempts of a peer. */
export interface BubblewrapParts {
  /** bubblewrap's own path. */
  readonly program: string;
  /** The person's home, which agents see as a private, empty one. */
  readonly personHome: string;
  /** The peer's state folder, which they do not see, wherever it lies. */
  readonly peerHome: string;
  readonly allowHosts: readonly string[];
  readonly lookup: Lookup;
}

/** Away from the package that it belongs to, the ending must say what it is. */
const [forwardFile, forwardName] = import.meta.url.endsWith('.ts')
  ? (['./forward.ts', 'forward.mts'] as const)
  : (['./forward.js', 'forward.mjs'] as const);
const forwardPath = fileURLToPath(new URL(forwardFile, import.meta.url));

/** What is the peer's in the sandbox. */
const inside = {
  node: '/run/issue-mesh/node',
  forward: `/run/issue-mesh/${forwardName}`,
  socket: '/run/issue-mesh/proxy.sock',
} as const;

/** All namespaces, no capabilities, no terminal; the whole of it ends with whoever started it. */
const flags = [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net', '--unshare-cgroup-try'],
  ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent'],
];

/** Denials told of in one attempt. */
const mostDenials = 50;

/** One attempt's sandbox: bubblewrap, with a proxy of the peer's as its only way to the network. */
export class Bubblewrap implements Sandbox {
  readonly name = 'bubblewrap';
  readonly #parts: BubblewrapParts;
  readonly #onDenied: OnDenied;
  /** By the hosts that they let through. */
  readonly #proxies = new Map<string, Promise<ForwardProxy>>();
  readonly #denied = new Set<string>();

  constructor(parts: BubblewrapParts, onDenied: OnDenied) {
    this.#parts = parts;
    this.#onDenied = onDenied;
  }

  async confine(command: SupervisedCommand, needs: Needs, places: Places): Promise<SupervisedCommand> {
    const { program, personHome, peerHome, allowHosts } = this.#parts;
    const allowed = new AllowList([...registries, ...allowHosts, ...needs.hosts]);
    const ownHome = join(places.own, 'home');
    await mkdir(ownHome, { recursive: true, mode: 0o700 });
    const proxy = await this.#proxyFor(needs.hosts, allowed, places.own);
    const tools = await toolsOn(command.env.PATH ?? '', await realOf(personHome));
    // What lies in the agent's own folders is there, and may have become a link to anywhere.
    const isFurther = (path: string): boolean => !places.writable.some((own) => path.startsWith(`${own}/`));
    const mounts: readonly Mount[] = [
      ...(await systemMounts()),
      ...(await namesOf(peerHome)).map((path): Mount => ({ type: 'empty', path })),
      ...(await namesOf(personHome)).map((path): Mount => ({ type: 'writable', path, source: ownHome })),
      ...(await allBound('read-only', [...tools.roots, ...places.readable, ...needs.readable.filter(isFurther)])),
      ...(await allBound('writable', [...places.writable, ...needs.writable.filter(isFurther)])),
      ...(await ours(proxy.path)),
    ];
    const services = allowed.loopback().map(textOf);
    const run = [inside.node, inside.forward, inside.socket, ...services, '--', command.file, ...command.args];
    return {
      ...command,
      file: program,
      args: [...flags, ...mountArgs(mounts), '--chdir', command.cwd, '--', ...run],
      env: { HOME: personHome, ...command.env, PATH: tools.path },
    };
  }

  async close(): Promise<void> {
    const proxies = await Promise.allSettled(this.#proxies.values());
    this.#proxies.clear();
    await Promise.all(proxies.map((proxy) => (proxy.status === 'fulfilled' ? proxy.value.close() : null)));
  }

  #proxyFor(hosts: readonly string[], allowed: AllowList, own: string): Promise<ForwardProxy> {
    const key = hosts.toSorted().join(' ');
    const known = this.#proxies.get(key);
    if (known !== undefined) return known;
    const proxy = ForwardProxy.listen({
      folder: own,
      name: `proxy-${this.#proxies.size}`,
      dial: dialer(allowed, this.#parts.lookup),
      onDenied: (target, denied) => this.#tell(textOf(target), denied),
    });
    this.#proxies.set(key, proxy);
    return proxy;
  }

  /** Once for each: an agent asks again and again. */
  #tell(what: string, { message, entry }: DeniedError): void {
    if (this.#denied.has(what) || this.#denied.size >= mostDenials) return;
    this.#denied.add(what);
    this.#onDenied(`${what}: ${message}; to allow it, add "${entry}" to allowHosts in config.json`);
  }
}

const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);
const namesOf = async (path: string): Promise<readonly string[]> => [...new Set([await realOf(path), path])];

const allBound = async (type: 'read-only' | 'writable', paths: readonly string[]): Promise<readonly Mount[]> =>
  (await Promise.all(paths.map((path) => bound(type, path)))).flat();

const ours = async (socket: string): Promise<readonly Mount[]> => [
  { type: 'read-only', path: inside.node, source: await realpath(process.execPath) },
  { type: 'read-only', path: inside.forward, source: forwardPath },
  { type: 'writable', path: inside.socket, source: socket },
];

/** Does all that may fail on a PC, without a network, for nothing. */
export const probeArgs = async (): Promise<readonly string[]> => {
  const node: Mount = { type: 'read-only', path: inside.node, source: await realpath(process.execPath) };
  return [...flags, ...mountArgs([...(await systemMounts()), node]), '--', inside.node, '--version'];
};
