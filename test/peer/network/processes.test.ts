import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { afterEach, describe, expect, it } from 'vitest';
import { createLibp2pNetwork } from '../../../src/peer/network/libp2p.ts';
import type { Network } from '../../../src/peer/network/network.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';
import { Recorder, until } from '../../contracts/network.ts';

const meshKey = Buffer.alloc(32, 5);
const loopback = '/ip4/127.0.0.1/tcp/0';
/** Before a neighbour that says nothing would be suspected. */
const soonMs = 5_000;

interface Line {
  readonly event: string;
  readonly peer?: string;
  readonly addresses?: readonly string[];
}

class PeerProcess {
  readonly lines: Line[] = [];
  readonly child: ChildProcessByStdio<Writable, Readable, null>;

  constructor(options: object) {
    const script = new URL('./peer-process.ts', import.meta.url).pathname;
    const argument = JSON.stringify({ meshKey: meshKey.toString('hex'), listen: [loopback], mdns: false, ...options });
    this.child = spawn(process.execPath, [script, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(JSON.parse(line) as Line));
  }

  async ready(): Promise<string> {
    await until('the process is ready', () => this.has('ready'));
    return this.lines.find(({ event }) => event === 'ready')?.peer ?? '';
  }

  has(event: string, peer?: string): boolean {
    return this.lines.some((line) => line.event === event && (peer === undefined || line.peer === peer));
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await once(this.child, 'exit');
    }
    return this.child.exitCode;
  }
}

describe('peers in processes of their own', () => {
  const processes: PeerProcess[] = [];
  const networks: Network[] = [];

  afterEach(async () => {
    await Promise.all(networks.splice(0).map((network) => network.stop()));
    await Promise.all(processes.splice(0).map((one) => one.kill('SIGKILL')));
  });

  function run(options: object = {}): PeerProcess {
    const one = new PeerProcess(options);
    processes.push(one);
    return one;
  }

  /** A network here that has met one in another process. */
  async function meet(): Promise<{ network: Network; heard: Recorder; other: PeerProcess; peer: string }> {
    const network = createLibp2pNetwork({
      privateKey: await generateKeyPair('Ed25519'),
      meshKey,
      listen: [loopback],
      mdns: false,
    });
    networks.push(network);
    const heard = new Recorder('here');
    await network.start(heard);
    const other = run({ dial: network.addresses() });
    const peer = await other.ready();
    await until('they have met', () => heard.has(`up ${peer}`) && other.has('up', network.self));
    return { network, heard, other, peer };
  }

  it('are down soon after a kill -9', async () => {
    const { heard, other, peer } = await meet();
    const killed = performance.now();
    other.child.kill('SIGKILL');
    await until('it is down', () => heard.has(`down ${peer}`));
    expect(performance.now() - killed).toBeLessThan(soonMs);
  });

  it('are not down when they are stopped for a while, and answer when they go on', async () => {
    const { network, heard, other, peer } = await meet();
    other.child.kill('SIGSTOP');
    network.send(peer as PeerId, new Uint8Array([9]));
    // Longer than a lost neighbour is given to come back.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(heard.frames).toEqual([]);
    other.child.kill('SIGCONT');
    await until('it answers', () => heard.frames.length === 1);
    expect(heard.has(`down ${peer}`)).toBe(false);
    expect(heard.count(`up ${peer}`)).toBe(1);
  });

  it('stop promptly, though a neighbour does not answer', async () => {
    const { network, other, peer } = await meet();
    other.child.kill('SIGSTOP');
    for (let index = 0; index < 10; index++) network.send(peer as PeerId, new Uint8Array(1024 * 1024));
    const begun = performance.now();
    await network.stop();
    expect(performance.now() - begun).toBeLessThan(soonMs);
  });

  it('find each other by mDNS', async () => {
    const all = Array.from({ length: 3 }, () => run({ mdns: ['127.0.0.1'] }));
    const peers = await Promise.all(all.map((one) => one.ready()));
    await until('all have met', () =>
      all.every((one, index) => peers.every((peer, other) => other === index || one.has('up', peer))),
    );
  });

  it('leave nothing open when they stop: the process ends by itself', async () => {
    const { heard, other, peer } = await meet();
    expect(await other.kill('SIGTERM')).toBe(0);
    await until('its neighbour is told', () => heard.has(`down ${peer}`));
  });
});
