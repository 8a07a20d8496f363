import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { byText, type PeerId } from '../../protocol/ids.ts';
import { isDialable, isPeerId, peerIn } from './address.ts';
import { closeRelayed, connectionsTo, hasDirect } from './connections.ts';
import type { NetworkLog } from './events.ts';
import { dialFailure } from './failures.ts';
import type { Node } from './node.ts';
import { Redial } from './redial.ts';
import { Relays } from './relay.ts';

/** Of two peers that hear of each other at once, the one with the larger id lets the other dial. */
const politeMs = 500;
/** A direct dial that takes longer is no longer waited for alone. */
const relayAfterMs = 1_000;
const vouchedForKept = 500;

export interface DialerHost {
  readonly self: PeerId;
  readonly log: NetworkLog;
  /** Neighbours that are up and answer. */
  answering(): readonly PeerId[];
}

/**
 * Finds the ways to peers: by direct dials, with back-off and for ever, and through a neighbour as long as none
 * succeeds.
 */
export class Dialer {
  private readonly host: DialerHost;
  private readonly redial = new Redial((target, addresses) => this.dial(target, addresses));
  /** Members of the mesh as others tell; mDNS alone may tell of anybody, and neighbours are not asked for those. */
  private readonly vouchedFor = new Set<PeerId>();
  /** Who answered at an address that was given without a peer id. */
  private readonly metAt = new Map<string, PeerId>();
  private readonly lastFailure = new Map<string, string>();
  private running: { readonly node: Node; readonly relays: Relays } | null = null;

  constructor(host: DialerHost) {
    this.host = host;
  }

  /** Before the node starts: from its first connection on. */
  attach(node: Node): void {
    const { relay, relayDialer } = node.services;
    const candidates = (target: PeerId): readonly PeerId[] =>
      this.host.answering().filter((peer) => peer !== target && hasDirect(node, peer));
    const relays = new Relays({ reservations: relay.reservations, dialer: relayDialer, candidates });
    this.running = { node, relays };
  }

  /** Once the node has started: nothing is dialled before. */
  start(): void {
    this.redial.start();
  }

  stop(): void {
    this.running = null;
    this.redial.stop();
  }

  /** A member of the mesh tells of a peer. */
  told(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.host.self || !isPeerId(peer)) return;
    if (this.vouchedFor.size < vouchedForKept) this.vouchedFor.add(peer);
    const isNew = this.learn(peer, addresses);
    if (isNew && !this.isReached(peer)) this.redial.want(peer);
  }

  /** Every mDNS answer counts: the first one may have come while the two could not reach each other. */
  announced(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.host.self || this.running === null) return;
    this.learn(peer, addresses);
    if (!this.isReached(peer)) this.redial.want(peer, byText(this.host.self, peer) < 0 ? 0 : politeMs);
  }

  /** A person gives an address, with or without a peer id. */
  given(address: string): void {
    const peer = peerIn(address);
    if (peer !== null) return this.told(peer, [address]);
    this.redial.learn(address, [address]);
    this.redial.want(address);
  }

  connected({ remotePeer, direct }: Connection): void {
    const peer = remotePeer.toString() as PeerId;
    this.serve(peer);
    if (!direct) return;
    this.redial.satisfied(peer);
    // A cable is back, or this PC: whoever else is missing may be too.
    this.redial.wantMissing();
  }

  disconnected({ remotePeer }: Connection): void {
    const peer = remotePeer.toString() as PeerId;
    this.serve(peer);
    if (this.isReached(peer)) return;
    for (const [address, met] of this.metAt) if (met === peer) this.redial.want(address);
  }

  want(peer: PeerId): void {
    this.redial.want(peer);
  }

  hold(peer: PeerId, forMs: number): void {
    this.redial.hold(peer, forMs);
  }

  forget(peer: PeerId): void {
    this.redial.forget(peer);
    this.vouchedFor.delete(peer);
  }

  addresses(peer: PeerId): readonly string[] {
    return this.redial.addresses(peer);
  }

  /** By a direct connection. */
  isReached(peer: PeerId): boolean {
    return this.running !== null && hasDirect(this.running.node, peer);
  }

  private serve(peer: PeerId): void {
    if (this.running !== null) this.running.relays.serve(peer, connectionsTo(this.running.node, peer));
  }

  /** True when there was something new in it. */
  private learn(peer: PeerId, addresses: readonly string[]): boolean {
    const dialable = addresses.filter(isDialable).map((one) => (peerIn(one) === null ? `${one}/p2p/${peer}` : one));
    return this.redial.learn(
      peer,
      dialable.filter((one) => peerIn(one) === peer),
    );
  }

  /** One try for Redial; `target` is a peer id, or an address given without one. */
  private async dial(target: string, addresses: readonly string[]): Promise<void> {
    const node = this.running?.node;
    if (node === undefined) return;
    const meanwhile = new Deferred(() => void this.relay(target), relayAfterMs);
    try {
      const connection = await node.dial(addresses.map((address) => multiaddr(address)));
      meanwhile.cancel();
      const peer = connection.remotePeer.toString() as PeerId;
      this.redial.confirm(peer, connection.remoteAddr.toString());
      if (target !== peer) this.metAt.set(target, peer);
      this.lastFailure.delete(target);
    } catch (error) {
      meanwhile.now();
      this.reportFailure(target, dialFailure(error));
      throw error;
    }
  }

  /** Until a direct dial succeeds: they go on. */
  private async relay(target: string): Promise<void> {
    const peer = target as PeerId;
    if (this.running === null || !this.vouchedFor.has(peer)) return;
    const { node, relays } = this.running;
    if (connectionsTo(node, peer).length > 0) return;
    const through = await relays.reach(peer);
    if (through === null) return;
    if (hasDirect(node, peer)) closeRelayed(node, peer);
    else this.host.log({ event: 'relayed', peer, through });
  }

  /** A PC that is off for a week is one line in the log, not one for every try. */
  private reportFailure(target: string, reason: string): void {
    if (this.running === null || this.lastFailure.get(target) === reason) return;
    this.lastFailure.set(target, reason);
    this.host.log({ event: 'dial-failed', target, reason });
  }
}

/** Done once: after a while, or before if so decided, or not at all. */
class Deferred {
  private readonly timer: NodeJS.Timeout;
  private action: () => void;

  constructor(action: () => void, afterMs: number) {
    this.action = action;
    this.timer = setTimeout(() => this.now(), afterMs);
  }

  now(): void {
    const { action } = this;
    this.cancel();
    action();
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.action = () => {};
  }
}
