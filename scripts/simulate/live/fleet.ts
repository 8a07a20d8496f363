import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointFolder } from '../../../src/peer/checkpoints/folder.ts';
import type { PeerEvent } from '../../../src/peer/core/io.ts';
import { createVerify, type Identity, temporaryIdentity } from '../../../src/peer/home/identity.ts';
import { createLibp2pNetwork } from '../../../src/peer/network/libp2p.ts';
import type { PeerService } from '../../../src/peer/service.ts';
import { startPeer } from '../../../src/peer/start.ts';
import type { HostId } from '../../../src/protocol/ids.ts';
import { MemoryDisk, MemoryStore } from '../../../test/support/memory-store.ts';
import { type RunnerEvents, type Script, ScriptedRunner } from './agent.ts';
import { Cables } from './cables.ts';

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
  readonly script: (task: string) => Script;
  readonly onAgent: (peer: string) => RunnerEvents;
  readonly onEvent: (peer: string, event: PeerEvent) => void;
}

/** The shipped peers in this one process: real core, driver and libp2p over TCP, a disk in memory, scripted agents. */
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

  /** Resolves once every peer knows all the others. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const peers = await Promise.all(
      options.names.map(async (name, index) => ({
        name,
        identity: await temporaryIdentity(),
        disk: new MemoryDisk(),
        specialties: options.specialtiesOf(index),
        service: null,
      })),
    );
    const fleet = new Fleet(options, peers);
    for (const peer of fleet.peers) await fleet.startPeer(peer);
    return fleet;
  }

  up(): readonly (LivePeer & { readonly service: PeerService })[] {
    return this.peers.filter((peer): peer is LivePeer & { service: PeerService } => peer.service !== null);
  }

  /** On the disk that it had, at an address of its own, told where the others are. */
  async startPeer(peer: LivePeer): Promise<void> {
    const { name, identity, disk, specialties } = peer;
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
      store: new MemoryStore(disk),
      agents: () => new ScriptedRunner(({ task }) => this.#options.script(task.id), this.#options.onAgent(name)),
      checkpoints: new CheckpointFolder(join(tmpdir(), `peer-simulated-${process.pid}-${name}`)),
      log: () => {},
      onFatal: (error) => {
        throw error;
      },
    });
    service.subscribe((event) => this.#options.onEvent(name, event));
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
