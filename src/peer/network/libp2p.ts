import type { Connection, PrivateKey, Stream } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { loopbackLast, requireAddress } from './address.ts';
import {
  closeConnection,
  closeRelayed,
  connectionsTo,
  hangUp,
  hasDirect,
  openRoute,
  openTransfer,
  probe,
  protocol,
  routeOf,
} from './connections.ts';
import { Dialer } from './dialer.ts';
import type { NetworkLog } from './events.ts';
import { ending, listenError } from './failures.ts';
import { Neighbour, type NeighbourHost, type Route } from './neighbour.ts';
import { type Network, type NetworkHandler, type Topic, Topics } from './network.ts';
import { createNode, type Node, topicName, topicOf } from './node.ts';
import { get, put, serveTransfer, transferProtocol } from './transfer.ts';

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

const silenceEveryMs = 1_000;

/** The network that peers run on: TCP, a private network's key, Noise, yamux, gossipsub, mDNS. */
export const createLibp2pNetwork = (options: Libp2pNetworkOptions): Network => new Libp2pNetwork(options);

class Libp2pNetwork implements Network {
  readonly self: PeerId;
  private readonly options: Libp2pNetworkOptions;
  private readonly log: NetworkLog;
  private readonly neighbours = new Map<PeerId, Neighbour>();
  private readonly dialer: Dialer;
  private readonly counts = { sentBytes: 0, receivedBytes: 0 };
  private listenedOn: readonly Multiaddr[] = [];
  private running: Running | null = null;

  constructor(options: Libp2pNetworkOptions) {
    this.options = options;
    this.log = options.log ?? (() => {});
    this.self = peerIdFromPrivateKey(options.privateKey).toString() as PeerId;
    const answering = (): readonly PeerId[] =>
      [...this.neighbours].flatMap(([peer, neighbour]) => (neighbour.answers() ? [peer] : []));
    this.dialer = new Dialer({ self: this.self, log: this.log, answering });
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
    this.dialer.attach(node);
    this.subscribe(node, ending(handler));
    try {
      await node.handle(
        protocol,
        (stream, connection) => this.incoming(routeOf(stream, connection), connection.remotePeer.toString() as PeerId),
        { maxInboundStreams: 8, runOnLimitedConnection: true },
      );
      await node.handle(
        transferProtocol,
        (stream, { remotePeer }) => this.serve(stream, remotePeer.toString() as PeerId, handler),
        { maxInboundStreams: 8, runOnLimitedConnection: true },
      );
      await node.start();
    } catch (error) {
      await this.stop();
      throw listenError(listen, error);
    }
    for (const topic of Topics) node.services.pubsub.subscribe(topicName(topic));
    this.log({ event: 'listening', addresses: this.addresses() });
    for (const address of this.options.dial ?? []) this.dialer.given(address);
    this.dialer.start();
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

  async put(to: PeerId, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await put(await this.openTransfer(to), name, chunks);
  }

  async *get(from: PeerId, name: string): AsyncGenerator<Uint8Array> {
    yield* get(await this.openTransfer(from), name);
  }

  addPeer(peer: PeerId, addresses: readonly string[]): void {
    this.dialer.told(peer, addresses);
  }

  traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return { ...this.counts };
  }

  async stop(): Promise<void> {
    const running = this.running;
    if (running === null) return;
    this.running = null;
    clearInterval(running.silenceTimer);
    this.dialer.stop();
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
              onPeer: ({ id, multiaddrs }) => this.dialer.announced(id.toString() as PeerId, multiaddrs.map(String)),
            },
      onAddresses: (addresses) => {
        this.listenedOn = addresses;
      },
      traffic: this.counts,
      log: this.log,
    });
  }

  private hostOf(node: Node, handler: NetworkHandler): NeighbourHost {
    return {
      self: this.self,
      graceMs: this.options.graceMs ?? 300,
      handler,
      log: this.log,
      isConnected: (peer) => connectionsTo(node, peer).length > 0,
      hasDirect: (peer) => hasDirect(node, peer),
      openRoute: (peer) => openRoute(node, peer),
      closeRelayed: (peer) => closeRelayed(node, peer),
      seek: (peer) => this.dialer.want(peer),
      dismiss: (peer, forMs) => {
        this.dialer.hold(peer, forMs);
        hangUp(node, peer);
      },
      abandon: (peer) => hangUp(node, peer),
      addresses: (peer) => this.dialer.addresses(peer),
      probe: (peer) => probe(node, this.dialer.addresses(peer)),
    };
  }

  private subscribe(node: Node, handler: NetworkHandler): void {
    // In a turn of its own: the node's list of connections has it by then, or no longer has it.
    node.addEventListener('connection:open', ({ detail }) => queueMicrotask(() => this.connected(detail)));
    node.addEventListener('connection:close', ({ detail }) => queueMicrotask(() => this.disconnected(detail)));
    node.addEventListener('peer:identify', ({ detail }) => {
      this.addPeer(detail.peerId.toString() as PeerId, detail.listenAddrs.map(String));
    });
    node.services.pubsub.addEventListener('message', ({ detail: message }) => {
      const topic = topicOf(message.topic);
      if (this.running === null || message.type !== 'signed' || topic === undefined) return;
      if (message.data.length > Limits.gossip) return;
      handler.onGossip(message.from.toString() as PeerId, topic, message.data);
    });
  }

  private connected(connection: Connection): void {
    this.dialer.connected(connection);
    this.neighbour(connection.remotePeer.toString() as PeerId)?.connected();
  }

  private disconnected(connection: Connection): void {
    this.dialer.disconnected(connection);
    const peer = connection.remotePeer.toString() as PeerId;
    if (!this.dialer.isReached(peer)) this.neighbours.get(peer)?.disconnected();
  }

  private async openTransfer(peer: PeerId): Promise<Stream> {
    if (this.running === null) throw new Error('not connected');
    return openTransfer(this.running.node, peer);
  }

  private serve(stream: Stream, from: PeerId, handler: NetworkHandler): void {
    void serveTransfer(stream, {
      onPut: (name, chunks) => handler.onPut(from, name, chunks),
      onGet: (name) => handler.onGet(from, name),
    });
  }

  private incoming(route: Route, from: PeerId): void {
    const neighbour = this.neighbour(from);
    if (neighbour === null) route.stream.abort(new Error('the peer stops'));
    else neighbour.incoming(route);
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
      const unreachable = this.dialer.addresses(peer).length === 0;
      if (unreachable && neighbour.isGone() && !this.running?.host.isConnected(peer)) {
        this.neighbours.delete(peer);
        this.dialer.forget(peer);
      }
    }
  }
}

interface Running {
  readonly node: Node;
  readonly host: NeighbourHost;
  readonly silenceTimer: NodeJS.Timeout;
}
