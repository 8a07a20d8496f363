import type { Connection, PrivateKey, Stream } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { byText, type PeerId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { isDialable, isPeerId, loopbackLast, peerIn, requireAddress } from './address.ts';
import type { NetworkLog } from './events.ts';
import { dialFailure, ending, listenError } from './failures.ts';
import { Neighbour, type NeighbourHost, type Probe } from './neighbour.ts';
import { type Network, type NetworkHandler, type Topic, Topics } from './network.ts';
import { createNode, type Node, topicName, topicOf } from './node.ts';
import { takesConnection } from './probe.ts';
import { Redial } from './redial.ts';

export interface Libp2pNetworkOptions {
  /** The peer's identity (Ed25519). */
  readonly privateKey: PrivateKey;
  /** 32 bytes; peers with another one get nothing but a closed connection. */
  readonly meshKey: Uint8Array;
  /** Multiaddrs to listen on; every interface and a free port by default. With none, the peer only dials. */
  readonly listen?: readonly string[];
  /** Multiaddrs, with or without a peer id, that are dialled for as long as nobody there is connected. */
  readonly dial?: readonly string[];
  /** Off, on every interface that leads to other machines, or on the interfaces with these IPv4 addresses. */
  readonly mdns?: boolean | readonly string[];
  /** How long a lost neighbour has to come back before `onDown`. */
  readonly graceMs?: number;
  readonly log?: NetworkLog;
}

const protocol = '/issue-mesh/1';
const closeMs = 300;
const probeMs = 3_000;
const silenceEveryMs = 1_000;
/** Of two peers that hear of each other at once, the one with the larger id lets the other dial. */
const politeMs = 500;

/** The network that peers run on: TCP, a private network's key, Noise, yamux, gossipsub, mDNS. */
export const createLibp2pNetwork = (options: Libp2pNetworkOptions): Network => new Libp2pNetwork(options);

class Libp2pNetwork implements Network {
  readonly self: PeerId;
  private readonly options: Libp2pNetworkOptions;
  private readonly log: NetworkLog;
  private readonly neighbours = new Map<PeerId, Neighbour>();
  private readonly redial = new Redial((target, addresses) => this.dial(target, addresses));
  /** Who answered at an address that was given without a peer id. */
  private readonly metAt = new Map<string, PeerId>();
  private readonly lastFailure = new Map<string, string>();
  private readonly counts = { sentBytes: 0, receivedBytes: 0 };
  private listenedOn: readonly Multiaddr[] = [];
  private running: Running | null = null;

  constructor(options: Libp2pNetworkOptions) {
    this.options = options;
    this.log = options.log ?? (() => {});
    this.self = peerIdFromPrivateKey(options.privateKey).toString() as PeerId;
  }

  async start(handler: NetworkHandler): Promise<void> {
    const listen = this.options.listen ?? ['/ip4/0.0.0.0/tcp/0'];
    for (const address of [...listen, ...(this.options.dial ?? [])]) requireAddress(address);
    const node = await this.createNode(listen);
    this.running = {
      node,
      host: this.hostOf(node, ending(handler)),
      silenceTimer: setInterval(() => this.checkSilence(), silenceEveryMs),
    };
    this.subscribe(node, ending(handler));
    try {
      await node.handle(protocol, (stream, connection) => this.incoming(stream, connection), { maxInboundStreams: 8 });
      await node.start();
    } catch (error) {
      await this.stop();
      throw listenError(listen, error);
    }
    for (const topic of Topics) node.services.pubsub.subscribe(topicName(topic));
    this.log({ event: 'listening', addresses: this.addresses() });
    for (const address of this.options.dial ?? []) this.dialGiven(address);
    this.redial.start();
  }

  addresses(): readonly string[] {
    // Asking the node leads to `onAddresses` with what it has now.
    this.running?.node.getMultiaddrs();
    return loopbackLast(this.listenedOn).map(String);
  }

  send(to: PeerId, frame: Uint8Array): void {
    if (frame.length > Limits.frame) this.log({ event: 'message-too-large', to, sizeBytes: frame.length });
    else this.neighbours.get(to)?.send(frame);
  }

  broadcast(topic: Topic, data: Uint8Array): void {
    if (data.length > Limits.gossip) {
      this.log({ event: 'message-too-large', to: 'gossip', sizeBytes: data.length });
      return;
    }
    this.running?.node.services.pubsub.publish(topicName(topic), data).catch(() => {
      // Best effort: the streams of a peer that is leaving may be gone already.
    });
  }

  addPeer(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.self || !isPeerId(peer)) return;
    const isNew = this.learn(peer, addresses);
    if (isNew && !this.isConnected(peer)) this.redial.want(peer);
  }

  traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return { ...this.counts };
  }

  async stop(): Promise<void> {
    const running = this.running;
    if (running === null) return;
    this.running = null;
    clearInterval(running.silenceTimer);
    this.redial.stop();
    await Promise.all([...this.neighbours.values()].map((neighbour) => neighbour.stop()));
    await Promise.all(running.node.getConnections().map(closeConnection));
    await running.node.stop();
  }

  private createNode(listen: readonly string[]): Promise<Node> {
    const { privateKey, meshKey, mdns = true } = this.options;
    return createNode({
      privateKey,
      meshKey,
      listen,
      mdns:
        mdns === false
          ? null
          : {
              interfaces: mdns === true ? null : mdns,
              meshSize: () => this.neighbours.size + 1,
              onPeer: ({ id, multiaddrs }) => this.discovered(id.toString() as PeerId, multiaddrs.map(String)),
            },
      onAddresses: (addresses) => {
        this.listenedOn = addresses;
      },
      traffic: this.counts,
      log: this.log,
    });
  }

  private hostOf(node: Node, handler: NetworkHandler): NeighbourHost {
    const hangUp = (peer: PeerId): void => {
      for (const connection of node.getConnections(peerIdFromString(peer))) connection.abort(new Error('dismissed'));
    };
    return {
      self: this.self,
      graceMs: this.options.graceMs ?? 300,
      handler,
      log: this.log,
      isConnected: (peer) => this.isConnected(peer),
      openStream: (peer) => openStream(node, peer),
      seek: (peer) => this.redial.want(peer),
      dismiss: (peer, forMs) => {
        this.redial.hold(peer, forMs);
        hangUp(peer);
      },
      abandon: hangUp,
      addresses: (peer) => this.redial.addresses(peer),
      probe: (peer) => probe(node, this.redial.addresses(peer)),
    };
  }

  private subscribe(node: Node, handler: NetworkHandler): void {
    node.addEventListener('peer:connect', ({ detail }) => this.connected(detail.toString() as PeerId));
    node.addEventListener('peer:disconnect', ({ detail }) => this.disconnected(detail.toString() as PeerId));
    node.addEventListener('peer:identify', ({ detail }) => {
      this.learn(detail.peerId.toString() as PeerId, detail.listenAddrs.map(String));
    });
    node.services.pubsub.addEventListener('message', ({ detail: message }) => {
      const topic = topicOf(message.topic);
      if (this.running === null || message.type !== 'signed' || topic === undefined) return;
      if (message.data.length > Limits.gossip) return;
      handler.onGossip(message.from.toString() as PeerId, topic, message.data);
    });
  }

  private isConnected(peer: PeerId): boolean {
    const connections = this.running?.node.getConnections(peerIdFromString(peer)) ?? [];
    return connections.some((connection) => connection.status === 'open');
  }

  private connected(peer: PeerId): void {
    this.redial.satisfied(peer);
    this.neighbour(peer)?.connected();
  }

  private disconnected(peer: PeerId): void {
    this.neighbours.get(peer)?.disconnected();
    for (const [address, met] of this.metAt) if (met === peer) this.redial.want(address);
  }

  private incoming(stream: Stream, connection: Connection): void {
    const neighbour = this.neighbour(connection.remotePeer.toString() as PeerId);
    if (neighbour === null) stream.abort(new Error('the peer stops'));
    else neighbour.incoming(stream);
  }

  private neighbour(peer: PeerId): Neighbour | null {
    if (this.running === null) return null;
    const known = this.neighbours.get(peer);
    if (known !== undefined) return known;
    const neighbour = new Neighbour(peer, this.running.host);
    this.neighbours.set(peer, neighbour);
    return neighbour;
  }

  private checkSilence(): void {
    for (const [peer, neighbour] of this.neighbours) {
      neighbour.checkSilence();
      // It dialled this peer, and has left: nothing but its return can bring it back.
      const unreachable = this.redial.addresses(peer).length === 0;
      if (unreachable && neighbour.isGone() && !this.isConnected(peer)) {
        this.neighbours.delete(peer);
        this.redial.forget(peer);
      }
    }
  }

  /** Every mDNS answer counts: the first one may have come while the two could not reach each other. */
  private discovered(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.self || this.running === null) return;
    this.learn(peer, addresses);
    if (!this.isConnected(peer)) this.redial.want(peer, byText(this.self, peer) < 0 ? 0 : politeMs);
  }

  /** True when there was something new in it. */
  private learn(peer: PeerId, addresses: readonly string[]): boolean {
    const dialable = addresses.filter(isDialable).map((one) => (peerIn(one) === null ? `${one}/p2p/${peer}` : one));
    return this.redial.learn(
      peer,
      dialable.filter((one) => peerIn(one) === peer),
    );
  }

  private dialGiven(address: string): void {
    const peer = peerIn(address);
    if (peer === null) {
      this.redial.learn(address, [address]);
      this.redial.want(address);
    } else {
      this.addPeer(peer, [address]);
    }
  }

  /** One try for Redial; `target` is a peer id, or an address given without one. */
  private async dial(target: string, addresses: readonly string[]): Promise<void> {
    const node = this.running?.node;
    if (node === undefined) return;
    try {
      const connection = await node.dial(addresses.map((address) => multiaddr(address)));
      const peer = connection.remotePeer.toString() as PeerId;
      this.redial.confirm(peer, connection.remoteAddr.toString());
      if (target !== peer) this.metAt.set(target, peer);
      this.lastFailure.delete(target);
    } catch (error) {
      this.reportFailure(target, dialFailure(error));
      throw error;
    }
  }

  /** A PC that is off for a week is one line in the log, not one for every try. */
  private reportFailure(target: string, reason: string): void {
    if (this.running === null || this.lastFailure.get(target) === reason) return;
    this.lastFailure.set(target, reason);
    this.log({ event: 'dial-failed', target, reason });
  }
}

interface Running {
  readonly node: Node;
  readonly host: NeighbourHost;
  readonly silenceTimer: NodeJS.Timeout;
}

/** Gracefully, as what was just sent may still be on its way; but not longer than a peer that does not answer deserves. */
const closeConnection = (connection: Connection): Promise<void> =>
  connection.close({ signal: AbortSignal.timeout(closeMs) }).catch((error: Error) => connection.abort(error));

async function probe(node: Node, addresses: readonly string[]): Promise<Probe> {
  const taken = await takesConnection(addresses);
  if (taken === null) return 'unknown';
  if (!taken) return 'gone';
  try {
    const targets = addresses.map((address) => multiaddr(address));
    const connection = await node.dial(targets, { force: true, signal: AbortSignal.timeout(probeMs) });
    connection.abort(new Error('it was only a probe'));
    return 'answers';
  } catch {
    return 'stopped';
  }
}

async function openStream(node: Node, peer: PeerId): Promise<Stream> {
  const connection = node.getConnections(peerIdFromString(peer)).find(({ status }) => status === 'open');
  if (connection === undefined) throw new Error('not connected');
  return await connection.newStream(protocol);
}
