import type { PeerDiscovery, PeerInfo } from '@libp2p/interface';
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns';
import type { QueryPacket, ResponsePacket } from 'multicast-dns';
import { LanSocket } from './multicast.ts';

const queryEveryMs = 10_000;
/** Every peer answers every query and every peer hears every answer: beyond this many they ask less often. */
const smallMesh = 30;

export interface LanDiscoveryOptions {
  readonly serviceName: string;
  /** As for LanSocket. */
  readonly interfaces: readonly string[] | null;
  readonly meshSize: () => number;
  /** Comes for every answer heard, not only for the first of a peer. */
  readonly onPeer: (peer: PeerInfo) => void;
  readonly onProblem: (reason: string) => void;
}

/**
 * libp2p's mDNS discovery, given a socket that works on every interface, and asking no more than a large mesh bears.
 */
export class LanDiscovery {
  private readonly options: LanDiscoveryOptions;
  private readonly discovery: Discovery;
  private socket: LanSocket | null = null;
  private queryTimer: NodeJS.Timeout | null = null;

  constructor(components: MulticastDNSComponents, options: LanDiscoveryOptions) {
    this.options = options;
    this.discovery = mdns({ serviceTag: options.serviceName })(components) as Discovery;
    this.discovery.addEventListener('peer', (event) => options.onPeer(event.detail));
  }

  start(): void {
    const socket = new LanSocket(this.options.interfaces, this.options.onProblem);
    this.socket = socket;
    // In place of its start(), which would make a socket that speaks on one interface.
    this.discovery.mdns = socket;
    socket.on('query', this.discovery._onMdnsQuery);
    socket.on('response', this.discovery._onMdnsResponse);
    socket.onChange(() => this.ask(socket));
    this.ask(socket);
  }

  stop(): void {
    if (this.queryTimer !== null) clearTimeout(this.queryTimer);
    this.discovery.mdns = undefined;
    this.socket?.destroy();
    this.socket = null;
  }

  private ask(socket: LanSocket): void {
    if (this.queryTimer !== null) clearTimeout(this.queryTimer);
    socket.query(this.options.serviceName, 'PTR');
    const everyMs = queryEveryMs * Math.max(1, this.options.meshSize() / smallMesh) ** 2;
    this.queryTimer = setTimeout(() => this.ask(socket), everyMs);
  }
}

/** The public part of the library's class that its exported type leaves out. */
type Discovery = PeerDiscovery & {
  mdns: Pick<LanSocket, 'respond'> | undefined;
  readonly _onMdnsQuery: (packet: QueryPacket) => void;
  readonly _onMdnsResponse: (packet: ResponsePacket) => void;
};
