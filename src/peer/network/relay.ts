import {
  type CircuitRelayService,
  type CircuitRelayTransportComponents,
  circuitRelayTransport,
  type RelayReservation,
} from '@libp2p/circuit-relay-v2';
import type { Connection, Transport } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../protocol/ids.ts';

/** Neighbours asked in one round. */
const askedAtOnce = 3;
const answerMs = 3_000;

/**
 * Each relayed link is a stream for as long as it lasts: as many as there are to the relayed peers, which default to
 * 300.
 */
export const relayOptions = { hopTimeout: 5_000, maxInboundHopStreams: 300, maxOutboundHopStreams: 300 };

/** Opens a connection at once, beside the node's queue, in which a peer's addresses wait for each other. */
export interface RelayDialer {
  dial(address: Multiaddr, signal: AbortSignal): Promise<Connection>;
}

export const relayDialer = ({ transportManager }: CircuitRelayTransportComponents): RelayDialer => ({
  dial: (address, signal) => transportManager.dial(address, { signal }),
});

/**
 * Nothing is reserved in advance, so there is nothing to listen on: a peer relays to whoever it is connected to (R1).
 */
export const relayTransport = (components: CircuitRelayTransportComponents): Transport =>
  Object.assign(circuitRelayTransport()(components), { listenFilter: () => [] });

/**
 * Out of reach: a relayed link is kept like any other. That there is a limit at all makes libp2p keep gossip off the
 * connection, which would be gossip sent twice, as the relay is in the mesh and forwards it anyway.
 */
const limit = { data: 2n ** 62n };
const forEver = new Date(8.64e15);

export interface RelayHost {
  /** Whom the relay service serves. */
  readonly reservations: Pick<CircuitRelayService['reservations'], 'set' | 'delete'>;
  readonly dialer: RelayDialer;
  /** The neighbours that are reached directly and answer, but for the one to be reached. */
  candidates(target: PeerId): readonly PeerId[];
}

/**
 * Two peers that cannot reach each other, but share a neighbour, talk through it.
 *
 * R1 A peer relays between its neighbours, all of them members of its mesh, and to those only that it reaches directly,
 *    so nothing is relayed twice.
 * R2 It is reached through a neighbour only while it is not reached directly; who has helped before is asked first.
 */
export class Relays {
  private readonly host: RelayHost;
  private readonly helpful = new Set<PeerId>();
  private readonly reaching = new Set<PeerId>();

  constructor(host: RelayHost) {
    this.host = host;
  }

  /** R1. To be called with every change of a peer's connections. */
  serve(peer: PeerId, connections: readonly Connection[]): void {
    const { reservations } = this.host;
    const [first] = connections;
    // The service takes any connection to the peer: there must be none that is relayed.
    if (first === undefined || connections.some(({ direct }) => !direct)) {
      reservations.delete(peerIdFromString(peer));
      return;
    }
    const reservation: RelayReservation = { addr: first.remoteAddr, expiry: forEver, limit, signal: neverEnding() };
    reservations.set(peerIdFromString(peer), reservation);
  }

  /** One round of asking (R2). Gives the neighbour that has led to the peer, if any has. */
  async reach(target: PeerId): Promise<PeerId | null> {
    if (this.reaching.has(target)) return null;
    this.reaching.add(target);
    try {
      for (const relay of this.choose(target)) if (await this.reachThrough(relay, target)) return relay;
      return null;
    } finally {
      this.reaching.delete(target);
    }
  }

  private choose(target: PeerId): readonly PeerId[] {
    const rated = this.host.candidates(target).map((peer) => ({
      peer,
      rate: (this.helpful.has(peer) ? 1 : 0) + Math.random(),
    }));
    return rated
      .sort((one, other) => other.rate - one.rate)
      .slice(0, askedAtOnce)
      .map(({ peer }) => peer);
  }

  private async reachThrough(relay: PeerId, target: PeerId): Promise<boolean> {
    const address = multiaddr(`/p2p/${relay}/p2p-circuit/p2p/${target}`);
    try {
      await this.host.dialer.dial(address, AbortSignal.timeout(answerMs));
      this.helpful.add(relay);
      return true;
    } catch {
      this.helpful.delete(relay);
      return false;
    }
  }
}

/** A reservation lasts as long as the connection. */
const neverEnding = (): RelayReservation['signal'] =>
  Object.assign(new AbortController().signal, { reset: () => {}, clear: () => {} });
