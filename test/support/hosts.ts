import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';

import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { cliPath, type Env } from './cli.ts';
import { Mesh, PeerProcess, type PeerStart } from './mesh.ts';

type Helper = ChildProcessByStdio<Writable, Readable, null>;

const isRoot = process.getuid?.() === 0;
/** Everything lives in namespaces of its own, so that all of it goes with its processes, however the test ends. */
const unshareArgs = [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--mount'];
const enterArgs = [...(isRoot ? [] : ['--user', '--preserve-credentials']), '--net', '--mount'];

const forwarder = fileURLToPath(new URL('./hosts-forward.ts', import.meta.url));
/** Of the switch itself, where this process's servers are reached. */
const serverAddress = '10.77.0.254';

/** Why several hosts cannot be had on this machine; null where they can. */
export function whyNoHosts(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  const script = [
    'mount -t tmpfs tmpfs /run',
    'ip netns add probe',
    'ip link add br0 type bridge',
    'ip link add port0 type veth peer name eth0 netns probe',
    'ip link set port0 master br0',
    'ip link set port0 type bridge_slave isolated on',
  ].join(' && ');
  try {
    execFileSync('unshare', [...unshareArgs, 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    return null;
  } catch (error) {
    return `this machine does not let us make network namespaces: ${String((error as Error).message).trim()}`;
  }
}

/**
 * PCs on one switch: network namespaces that a bridge joins, each with one peer. Nobody is told an address.
 * Their disks are one, as is this process's view of them.
 */
export class Hosts implements AsyncDisposable {
  readonly mesh: Mesh;
  readonly #keeper: Helper;
  readonly #closing: (() => Promise<unknown>)[] = [];
  /** Apart from the mesh's, which is looked through for what a peer may have left. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'hosts-'));
  readonly #ports = new Map<string, string>();
  readonly #key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');

  private constructor(keeper: Helper) {
    this.#keeper = keeper;
    this.mesh = Mesh.empty();
  }

  static async create(): Promise<Hosts> {
    // It ends with this process, when the pipe closes, and what it holds goes with it.
    const script = 'mount -t tmpfs tmpfs /run && echo ready && exec cat';
    const keeper = spawn('unshare', [...unshareArgs, 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(keeper.stdout, 'data');
    const hosts = new Hosts(keeper);
    hosts.#ip('link set lo up');
    hosts.#ip('link add br0 type bridge');
    hosts.#ip(`addr add ${serverAddress}/24 dev br0`);
    hosts.#ip('link set br0 up');
    return hosts;
  }

  /** A PC with a peer, not started. */
  add(start: PeerStart, env: Env = {}): PeerProcess {
    const number = this.#ports.size + 1;
    const [host, port] = [`host${number}`, `port${number}`];
    this.#ip(`netns add ${host}`);
    this.#ip(`link add ${port} type veth peer name eth0 netns ${host}`);
    this.#ip(`link set ${port} master br0 up`);
    this.#ip(`-n ${host} link set lo up`);
    this.#ip(`-n ${host} addr add 10.77.0.${number}/24 dev eth0`);
    this.#ip(`-n ${host} link set eth0 up`);
    this.#ports.set(start.name, port);
    const bin = this.#program(host);
    const peer = new PeerProcess(start, join(this.mesh.folder, start.name), { PEER_MESH_KEY: this.#key, ...env }, bin);
    this.mesh.peers.push(peer);
    return peer;
  }

  /** Makes a server of this process reachable from every host that has its cable; gives its address there. */
  async serve(origin: string): Promise<string> {
    const { port, hostname } = new URL(origin);
    const path = join(this.#folder, `server-${port}`);
    const entrance = createServer((socket) => {
      const server = connect(Number(port), hostname);
      socket.pipe(server).pipe(socket);
      socket.on('error', () => server.destroy()).on('close', () => server.destroy());
      server.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    });
    await once(entrance.listen(path), 'listening');
    const args = [...this.#entering(), process.execPath, forwarder, serverAddress, port, path];
    const child: Helper = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    this.#closing.push(
      () => ended(child),
      async () => entrance.close(),
    );
    return `http://${serverAddress}:${port}`;
  }

  /** Pulls the cable: `loud` is seen by the PC, `silent` by nobody. */
  cut(name: string, how: 'loud' | 'silent'): void {
    this.#ip(`link set ${this.#port(name)} ${how === 'loud' ? 'down' : 'nomaster'}`);
  }

  /** Puts the cable back. */
  heal(name: string): void {
    this.#ip(`link set ${this.#port(name)} master br0 up`);
  }

  /** These PCs do not reach each other any more; the others they do. */
  isolate(names: readonly string[]): void {
    for (const name of names) this.#ip(`link set ${this.#port(name)} type bridge_slave isolated on`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh[Symbol.asyncDispose]();
    for (const close of this.#closing) await close();
    await ended(this.#keeper);
    rmSync(this.#folder, { recursive: true });
  }

  #entering(): readonly string[] {
    return ['--target', String(this.#keeper.pid), ...enterArgs];
  }

  #port(name: string): string {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`no host ${name}`);
    return port;
  }

  #ip(command: string): void {
    execFileSync('nsenter', [...this.#entering(), 'ip', ...command.split(' ')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** A `peer` that runs on the host. */
  #program(host: string): string {
    const path = join(this.#folder, `peer-on-${host}`);
    const enter = `nsenter ${this.#entering().join(' ')} ip netns exec ${host}`;
    writeFileSync(path, `#!/bin/sh\nexec ${enter} '${process.execPath}' '${cliPath}' "$@"\n`);
    chmodSync(path, 0o700);
    return path;
  }
}

async function ended(helper: Helper): Promise<void> {
  const closed = once(helper, 'close');
  helper.stdin.end();
  await closed;
}
