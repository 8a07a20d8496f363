import type { Network, NetworkHandler, Topic } from '../../src/peer/network/network.ts';
import type { PeerId } from '../../src/protocol/ids.ts';
import { Limits } from '../../src/protocol/limits.ts';

export interface MemoryHubOptions {
  /** Peers find each other by themselves, as by mDNS; else only by `addPeer`. */
  readonly discover?: boolean;
  readonly graceMs?: number;
}

/** The cable between networks of one process. Deliveries are asynchronous and in order; nothing is ever lost but links. */
export class MemoryHub {
  readonly graceMs: number;
  private readonly discover: boolean;
  private readonly online = new Map<PeerId, MemoryNetwork>();
  private readonly cuts = new Set<string>();

  constructor({ discover = true, graceMs = 50 }: MemoryHubOptions = {}) {
    this.discover = discover;
    this.graceMs = graceMs;
  }

  network(self: PeerId): MemoryNetwork {
    return new MemoryNetwork(this, self);
  }

  /** Ends the link between two peers and keeps them apart until `heal`. */
  cut(a: PeerId, b: PeerId): void {
    this.cuts.add(pairKey(a, b));
    this.online.get(a)?.unlink(b);
    this.online.get(b)?.unlink(a);
  }

  heal(a: PeerId, b: PeerId): void {
    this.cuts.delete(pairKey(a, b));
    this.meet(a, b);
  }

  /** For the networks. */
  join(network: MemoryNetwork): void {
    this.online.set(network.self, network);
    for (const other of this.online.values()) this.meet(network.self, other.self);
  }

  leave(network: MemoryNetwork): void {
    if (this.online.get(network.self) !== network) return;
    this.online.delete(network.self);
    for (const other of this.online.values()) other.unlink(network.self);
  }

  meet(a: PeerId, b: PeerId): void {
    const [one, other] = [this.online.get(a), this.online.get(b)];
    if (a === b || one === undefined || other === undefined || this.cuts.has(pairKey(a, b))) return;
    if (this.discover || one.knows(b) || other.knows(a)) one.link(other);
  }

  gossip(from: PeerId, topic: Topic, data: Uint8Array): void {
    for (const other of this.online.values()) {
      if (other.self !== from && other.hears(from)) other.deliver((handler) => handler.onGossip(from, topic, data));
    }
  }
}

/** A neighbour at the other end of a link; a link made anew is another object, so what was sent on the old one is lost. */
interface Link {
  readonly to: MemoryNetwork;
}

export class MemoryNetwork implements Network {
  readonly self: PeerId;
  private readonly hub: MemoryHub;
  private readonly known = new Set<PeerId>();
  private readonly links = new Map<PeerId, Link>();
  private readonly graceTimers = new Map<PeerId, NodeJS.Timeout>();
  private readonly refused = new Set<PeerId>();
  private readonly counts = { sentBytes: 0, receivedBytes: 0 };
  private handler: NetworkHandler | null = null;

  constructor(hub: MemoryHub, self: PeerId) {
    this.hub = hub;
    this.self = self;
  }

  async start(handler: NetworkHandler): Promise<void> {
    this.handler = handler;
    this.hub.join(this);
  }

  addresses(): readonly string[] {
    return [`/memory/${this.self}/p2p/${this.self}`];
  }

  send(to: PeerId, frame: Uint8Array): void {
    const link = this.links.get(to);
    if (link === undefined || frame.length > Limits.frame) return;
    const copy = frame.slice();
    this.counts.sentBytes += copy.length;
    link.to.deliver((handler) => {
      if (link.to.links.get(this.self)?.to === this) handler.onFrame(this.self, copy);
    }, copy.length);
  }

  broadcast(topic: Topic, data: Uint8Array): void {
    if (data.length <= Limits.gossip) this.hub.gossip(this.self, topic, data.slice());
  }

  async put(to: PeerId, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const handler = this.linkedHandler(to);
    await handler.onPut(this.self, name, chunks);
  }

  async *get(from: PeerId, name: string): AsyncGenerator<Uint8Array> {
    const found = await this.linkedHandler(from).onGet(this.self, name);
    if (found === null) throw new Error('not here');
    yield* found;
  }

  addPeer(peer: PeerId): void {
    this.known.add(peer);
    this.hub.meet(this.self, peer);
  }

  traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return { ...this.counts };
  }

  async stop(): Promise<void> {
    this.handler = null;
    for (const timer of this.graceTimers.values()) clearTimeout(timer);
    // After what was sent, which is in the queue already.
    await new Promise(setImmediate);
    this.links.clear();
    this.hub.leave(this);
  }

  /** What follows is for the hub and the other networks. */
  knows(peer: PeerId): boolean {
    return this.known.has(peer) || this.refused.has(peer);
  }

  hears(peer: PeerId): boolean {
    return this.links.has(peer);
  }

  deliver(call: (handler: NetworkHandler) => void, sizeBytes = 0): void {
    setImmediate(() => {
      if (this.handler === null) return;
      this.counts.receivedBytes += sizeBytes;
      call(this.handler);
    });
  }

  /** Both greet, both judge; either both are up or neither. */
  link(other: MemoryNetwork): void {
    if (this.links.has(other.self) || this.handler === null || other.handler === null) return;
    if (this.refused.has(other.self) || other.refused.has(this.self)) return;
    const accepted = other.judges(this.self, this.handler.hello()) && this.judges(other.self, other.handler.hello());
    if (!accepted) return;
    this.comeUp(other);
    other.comeUp(this);
  }

  unlink(peer: PeerId): void {
    if (!this.links.delete(peer) || this.handler === null) return;
    const timer = setTimeout(() => {
      this.graceTimers.delete(peer);
      this.handler?.onDown(peer);
    }, this.hub.graceMs);
    this.graceTimers.set(peer, timer);
  }

  private linkedHandler(peer: PeerId): NetworkHandler {
    const handler = this.links.get(peer)?.to.handler ?? null;
    if (handler === null) throw new Error('not connected');
    return handler;
  }

  private judges(peer: PeerId, hello: Uint8Array): boolean {
    const reason = this.handler?.acceptHello(peer, hello) ?? null;
    if (reason !== null) this.refused.add(peer);
    return reason === null;
  }

  private comeUp(other: MemoryNetwork): void {
    clearTimeout(this.graceTimers.get(other.self));
    this.graceTimers.delete(other.self);
    this.links.set(other.self, { to: other });
    this.known.add(other.self);
    this.deliver((handler) => handler.onUp(other.self, { addresses: other.addresses() }));
  }
}

const pairKey = (a: PeerId, b: PeerId): string => [a, b].sort().join();
