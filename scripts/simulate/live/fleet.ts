import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointFolder } from '../../../src/peer/checkpoints/folder.ts';
import type { PeerEvent } from '../../../src/peer/core/io.ts';
import { createVerify, type Identity, temporaryIdentity } from '../../../src/peer/home/identity.ts';
import { createLibp2pNetwork } from '../../../src/peer/network/libp2p.ts';
import type { PeerService } from '../../../src/peer/service.ts';
import { startPeer } from '../../../src/peer/start.ts';
import type { DurableRecord } from '../../../src/peer/store/store.ts';
import type { HostId } from '../../../src/protocol/ids.ts';
import type { Workers } from '../../../test/sim/forge/workers.ts';
import { MemoryDisk, MemoryStore } from '../../../test/support/memory-store.ts';
import { type Eyes, LiveAgents } from './agent.ts';
import { Cables } from './cables.ts';
import { WatchedStore } from './watched-store.ts';

export interface LivePeer {
  readonly name: string;
  readonly identity: Identity;
  readonly disk: MemoryDisk;
  readonly specialties: readonly string[];
  /** Null while it is stopped. */
  service: PeerService | null;
}

export interface FleetOptions {
  readonly names: readonly string[];
  readonly specialtiesOf: (index: number) => readonly string[];
  readonly workers: Workers;
  readonly eyesOf: (peer: string) => Eyes;
  readonly onDurable: (peer: string, record: DurableRecord) => void;
  readonly onEvent: (peer: string, event: PeerEvent) => void;
}

/** The shipped peers in this one process: real core, driver and libp2p over TCP, a disk in memory, simulated agents. */
export class Fleet {
  readonly cables = new Cables();
  readonly peers: readonly LivePeer[];
  readonly #options: FleetOptions;
  readonly #meshKey = randomBytes(32);
  /** Of peers that have stopped since. */
  #pastBytes = 0;

  private constructor(options: FleetOptions, peers: readonly LivePeer[]) {
    this.#options = options;
    this.peers = peers;
  }

  /** Each has its identity, and none is up. */
  static async create(options: FleetOptions): Promise<Fleet> {
    const peers = await Promise.all(
      options.names.map(async (name, index) => ({
        name,
        identity: await temporaryIdentity(),
        disk: new MemoryDisk(),
        specialties: options.specialtiesOf(index),
        service: null,
      })),
    );
    return new Fleet(options, peers);
  }

  at(name: string): LivePeer {
    const peer = this.peers.find((one) => one.name === name);
    if (peer === undefined) throw new Error(`no peer ${name}`);
    return peer;
  }

  up(): readonly (LivePeer & { readonly service: PeerService })[] {
    return this.peers.filter((peer): peer is LivePeer & { service: PeerService } => peer.service !== null);
  }

  /** On the disk that it had, at an address of its own, told where the others are. */
  async startPeer(peer: LivePeer): Promise<void> {
    const { name, identity, disk, specialties } = peer;
    const { workers, eyesOf, onDurable, onEvent } = this.#options;
    const network = createLibp2pNetwork({
      privateKey: identity.privateKey,
      meshKey: this.#meshKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      dial: this.up().flatMap(({ service }) => service.addresses().slice(0, 1)),
      mdns: false,
    });
    const service = await startPeer({
      identity: { ...identity, verify: createVerify() },
      mesh: { name: 'simulated' },
      role: 'peer',
      name,
      specialties,
      capacity: 1,
      version: '0.0.0',
      host: `host-${name}` as HostId,
      executor: { name: 'script' },
      network: this.cables.through(network),
      store: new WatchedStore(new MemoryStore(disk), (record) => onDurable(name, record)),
      agents: () => new LiveAgents(name, workers, eyesOf(name)),
      checkpoints: new CheckpointFolder(join(tmpdir(), `peer-simulated-${process.pid}-${name}`)),
      log: () => {},
      onFatal: (error) => {
        throw error;
      },
    });
    service.subscribe((event) => onEvent(name, event));
    peer.service = service;
  }

  /** As `peer stop`: hands over what it holds, and ends. */
  async stopPeer(peer: LivePeer): Promise<void> {
    const { service } = peer;
    if (service === null) return;
    peer.service = null;
    await service.stop();
    this.#pastBytes += service.traffic().sentBytes;
  }

  /** Everything that was sent, on the wire. */
  sentBytes(): number {
    return this.up().reduce((sum, { service }) => sum + service.traffic().sentBytes, this.#pastBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.peers.map((peer) => this.stopPeer(peer)));
  }
}
