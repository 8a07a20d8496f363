import { byText, type PeerId } from '../../src/protocol/ids.ts';
import type { EventQueue } from './queue.ts';

/** What the virtual network needs of the peers on it. */
export interface NetworkHost {
  readonly peers: readonly PeerId[];
  /** It runs and is not stopped: able to greet. */
  canGreet(peer: PeerId): boolean;
  onUp(peer: PeerId, neighbour: PeerId): void;
  onDown(peer: PeerId, neighbour: PeerId): void;
}

interface Link {
  alive: boolean;
  /** The earliest time of the next arrival, by receiver: frames keep their order. */
  readonly arrival: Map<PeerId, number>;
  /** Sent during a cut: arrives when that heals, unless the link is given up before. */
  held: { readonly to: PeerId; readonly deliver: () => void }[];
}

const latencyMs = 1;
/** A redial that is refused at once, and again, is believed after this. */
export const refusedMs = 300;
/** A link on which nothing comes is probed, and given up. */
export const silenceMs = 6_300;
const redialMs = 300;

/**
 * Links between virtual peers, under the same contract as the real ones: frames arrive in order or the link is down, a
 * neighbour is gone once a redial was refused, and a process that is merely stopped keeps its links.
 */
export class VirtualNetwork {
  readonly #queue: EventQueue;
  readonly #random: () => number;
  readonly #host: NetworkHost;
  readonly #links = new Map<string, Link>();
  /** When each cut was made: a pair may be cut, healed and cut again. */
  readonly #cuts = new Map<string, number>();

  constructor(queue: EventQueue, random: () => number, host: NetworkHost) {
    this.#queue = queue;
    this.#random = random;
    this.#host = host;
  }

  /** A peer has come to life, or was continued: it meets everybody whom it can reach. */
  connect(peer: PeerId): void {
    for (const other of this.#host.peers) if (other !== peer) this.#link(peer, other);
  }

  /** A process is gone: its links with it. Neighbours find out as their redial is refused, or by the silence of a cut. */
  sever(peer: PeerId): void {
    for (const other of this.#host.peers) {
      const link = this.#links.get(pair(peer, other));
      if (other === peer || link?.alive !== true) continue;
      this.#end(link);
      this.#queue.after(this.isCut(peer, other) ? silenceMs : refusedMs, () => {
        if (!this.isLinked(peer, other)) this.#host.onDown(other, peer);
      });
    }
  }

  /** A silent cut: nothing passes in either direction, and both sides give the link up only after a while. */
  cut(a: PeerId, b: PeerId): void {
    const key = pair(a, b);
    if (this.#cuts.has(key)) return;
    const cutAt = this.#queue.nowMs;
    this.#cuts.set(key, cutAt);
    this.#queue.after(silenceMs, () => {
      const link = this.#links.get(key);
      if (this.#cuts.get(key) !== cutAt || link?.alive !== true) return;
      this.#end(link);
      this.#host.onDown(a, b);
      this.#host.onDown(b, a);
    });
  }

  /** Every cut ends; what was held back arrives, and who lost each other meets again. */
  heal(): void {
    this.#cuts.clear();
    for (const { held } of this.#links.values())
      for (const { deliver } of held.splice(0)) this.#queue.after(1, deliver);
    this.#queue.after(redialMs, () => {
      for (const peer of this.#host.peers) this.connect(peer);
    });
  }

  isCut(a: PeerId, b: PeerId): boolean {
    return this.#cuts.has(pair(a, b));
  }

  isLinked(a: PeerId, b: PeerId): boolean {
    return this.#links.get(pair(a, b))?.alive === true;
  }

  /** Delivers in order over the link, or never. */
  send(from: PeerId, to: PeerId, deliver: () => void): void {
    const link = this.#links.get(pair(from, to));
    if (link?.alive !== true) return;
    const arrive = (): void => {
      if (link.alive) deliver();
    };
    if (this.isCut(from, to)) return void link.held.push({ to, deliver: arrive });
    const at = Math.max(link.arrival.get(to) ?? 0, this.#queue.nowMs + latencyMs * (0.5 + this.#random()));
    link.arrival.set(to, at);
    this.#queue.after(at - this.#queue.nowMs, arrive);
  }

  /** Gossip comes a little later, keeps no order, and is lost where there is no link. */
  gossip(from: PeerId, deliver: (to: PeerId) => void): void {
    for (const to of this.#host.peers) {
      if (to === from || this.isCut(from, to) || !this.isLinked(from, to)) continue;
      this.#queue.after(latencyMs * 4 * (0.5 + this.#random()), () => deliver(to));
    }
  }

  #link(a: PeerId, b: PeerId): void {
    if (this.isCut(a, b) || this.isLinked(a, b)) return;
    if (!this.#host.canGreet(a) || !this.#host.canGreet(b)) return;
    const link: Link = { alive: true, arrival: new Map(), held: [] };
    this.#links.set(pair(a, b), link);
    this.send(a, b, () => this.#host.onUp(b, a));
    this.send(b, a, () => this.#host.onUp(a, b));
  }

  #end(link: Link): void {
    link.alive = false;
    link.held = [];
  }
}

const pair = (a: PeerId, b: PeerId): string => [a, b].sort(byText).join('|');
