import type { PeerId } from '../../src/protocol/ids.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** What the virtual network needs of the peers on it. */
export interface NetworkHost {
  readonly peers: readonly PeerId[];
  /** It runs and is not stopped: able to greet. */
  canGreet(peer: PeerId): boolean;
  onUp(peer: PeerId, neighbour: PeerId): void;
  onDown(peer: PeerId, neighbour: PeerId): void;
}

/** What a message suffers on its way. Real links keep order and lose nothing; the core must bear it all the same. */
export interface Conditions {
  /** One way, of each link, drawn once; each message takes half to one and a half of it. */
  readonly latencyMs: readonly [low: number, high: number];
  readonly loss: number;
  readonly copies: number;
  readonly disorder: number;
  readonly gossipLoss: number;
  /** Of the links of a killed process: those over which all that it had sent still arrives. */
  readonly lastWords: number;
}

export const goodConditions: Conditions = {
  latencyMs: [1, 1],
  loss: 0,
  copies: 0,
  disorder: 0,
  gossipLoss: 0,
  lastWords: 0,
};

export interface CutKind {
  /** Only what the first say to the others is lost, and lost for good. */
  readonly oneWay?: boolean;
  /** Both sides are told at once, not by silence. */
  readonly loud?: boolean;
  /** Only slow. */
  readonly slowMs?: number | null;
}

/** Some pairs of peers between which nothing passes, or slowly, until it is healed. */
export interface Cut {
  readonly oneWay: boolean;
  /** Null = nothing passes; else all is late by up to so much. */
  readonly slowMs: number | null;
  /** Directed pairs. */
  readonly ways: readonly (readonly [from: PeerId, to: PeerId])[];
}

interface Link {
  alive: boolean;
  /** A process that was killed: what it had handed over before still arrives, until there is another link. */
  lastWordsOf: PeerId | null;
  readonly latencyMs: number;
  /** The earliest time of the next arrival, by receiver: frames keep their order. */
  readonly arrival: Map<PeerId, number>;
  /** Sent during a cut: arrives when that heals, unless the link is given up before. */
  held: { readonly from: PeerId; readonly to: PeerId; readonly deliver: () => void }[];
}

/** A redial that is refused at once, and again, is believed after this. */
const refusedMs = 300;
/** A link on which nothing comes is probed, and given up. */
const silenceMs = 6_300;
const redialMs = 300;
/** A message out of order comes up to so much later than its turn. */
const disorderMs = 400;
/** How many neighbours a peer passes gossip on to. */
const overlayDegree = 6;
/** A gossip hop costs so much more than a frame on a kept stream. */
const hopLatencies = 4;

/**
 * Links between virtual peers, under the same contract as the real ones: frames arrive in order or the link is down, a
 * neighbour is gone once a redial was refused, and a process that is merely stopped keeps its links. Gossip floods an
 * overlay of a few links per peer.
 */
export class VirtualNetwork {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #host: NetworkHost;
  readonly #index = new Map<PeerId, number>();
  readonly #links = new Map<number, Link>();
  /** The cuts that block a way, by directed pair. */
  readonly #blocks = new Map<number, Cut[]>();
  readonly #slowed = new Map<number, Cut[]>();
  /** Since when a pair has been cut, in either direction. */
  readonly #cutSince = new Map<number, number>();
  readonly #cuts = new Set<Cut>();
  /** By peer: to whom it would rather pass gossip on. */
  readonly #preferences = new Map<PeerId, readonly PeerId[]>();
  #conditions: Conditions;

  constructor(queue: EventQueue, random: Random, host: NetworkHost, conditions: Conditions) {
    this.#queue = queue;
    this.#random = random;
    this.#host = host;
    this.#conditions = conditions;
    for (const [index, peer] of host.peers.entries()) this.#index.set(peer, index);
  }

  /** Nothing is lost or late from now on; links keep their latency. */
  calmDown(): void {
    this.#conditions = { ...goodConditions, latencyMs: this.#conditions.latencyMs };
  }

  /** A peer has come to life, or was continued: it meets everybody whom it can reach. */
  connect(peer: PeerId): void {
    for (const other of this.#host.peers) if (other !== peer) this.#link(peer, other);
  }

  /** A process is gone: its links with it. Neighbours find out as their redial is refused, or by the silence of a cut. */
  sever(peer: PeerId): void {
    for (const other of this.#host.peers) {
      const link = other === peer ? undefined : this.#links.get(this.#pair(peer, other));
      if (link === undefined) continue;
      const { alive } = link;
      end(link);
      if (!alive) continue;
      if (this.#random.chance(this.#conditions.lastWords)) link.lastWordsOf = peer;
      this.#queue.after(this.#isCut(peer, other) ? silenceMs : refusedMs, () => {
        if (!this.isLinked(peer, other)) this.#host.onDown(other, peer);
      });
    }
  }

  /** Nothing passes between the two groups. A silent cut shows only after a while, when both sides give the link up. */
  cut(some: readonly PeerId[], others: readonly PeerId[], kind: CutKind = {}): Cut {
    const { oneWay = false, loud = false, slowMs = null } = kind;
    const pairs = some.flatMap((from) => others.flatMap((to) => (from === to ? [] : [[from, to] as const])));
    const back = oneWay ? [] : pairs.map(([from, to]) => [to, from] as const);
    const cut: Cut = { oneWay, slowMs, ways: [...pairs, ...back] };
    this.#cuts.add(cut);
    const troubled = slowMs === null ? this.#blocks : this.#slowed;
    for (const [from, to] of cut.ways) {
      const way = this.#way(from, to);
      troubled.set(way, [...(troubled.get(way) ?? []), cut]);
    }
    if (slowMs === null) for (const [a, b] of pairs) this.#notice(a, b, loud);
    return cut;
  }

  /** One cut ends, or all of them: what was held back arrives, and who lost each other meets again. */
  heal(cut?: Cut): void {
    const healed = cut === undefined ? [...this.#cuts] : this.#cuts.has(cut) ? [cut] : [];
    const ways = healed.flatMap((one) => one.ways.map((way) => ({ one, way })));
    for (const { one, way } of ways) this.#unblock(one, way);
    for (const one of healed) this.#cuts.delete(one);
    for (const { way } of ways) this.#release(way);
    this.#queue.after(redialMs, () => {
      for (const { way } of ways) this.#link(...way);
    });
  }

  isLinked(a: PeerId, b: PeerId): boolean {
    return this.#links.get(this.#pair(a, b))?.alive === true;
  }

  canPass(from: PeerId, to: PeerId): boolean {
    return !this.#blocks.has(this.#way(from, to));
  }

  /** Delivers in order over the link, or never; unless conditions are worse than any real link's. */
  send(from: PeerId, to: PeerId, deliver: () => void): void {
    const link = this.#links.get(this.#pair(from, to));
    if (link?.alive !== true) return;
    const { loss, copies } = this.#conditions;
    if (loss > 0 && this.#random.chance(loss)) return;
    this.#pass(link, from, to, deliver);
    if (copies > 0 && this.#random.chance(copies)) this.#pass(link, from, to, deliver);
  }

  /** Floods the overlay: whoever hears it for the first time passes it on. `onHop` counts every copy that is sent. */
  gossip(from: PeerId, onHop: (by: PeerId) => void, deliver: (to: PeerId) => void): void {
    this.#spread(from, { reached: new Set([from]), onHop, deliver });
  }

  /** A copy that is under way will come, so no second one is: only its sending is counted. */
  #spread(by: PeerId, flood: Flood): void {
    const { gossipLoss } = this.#conditions;
    for (const to of this.#overlay(by)) {
      flood.onHop(by);
      if (flood.reached.has(to) || !this.canPass(by, to)) continue;
      if (gossipLoss > 0 && this.#random.chance(gossipLoss)) continue;
      flood.reached.add(to);
      const latencyMs = this.#links.get(this.#pair(by, to))?.latencyMs ?? 1;
      this.#queue.after(latencyMs * hopLatencies * this.#random.between(0.5, 1.5), () => {
        flood.deliver(to);
        if (this.#host.canGreet(to)) this.#spread(to, flood);
      });
    }
  }

  /** Everybody whom it has a link to, or the first few in an order of its own. */
  #overlay(peer: PeerId): readonly PeerId[] {
    const chosen: PeerId[] = [];
    for (const other of this.#preference(peer)) {
      if (this.isLinked(peer, other)) chosen.push(other);
      if (chosen.length === overlayDegree) break;
    }
    return chosen;
  }

  #preference(peer: PeerId): readonly PeerId[] {
    const known = this.#preferences.get(peer);
    if (known !== undefined) return known;
    const others = this.#host.peers.filter((other) => other !== peer);
    const isSmall = others.length <= overlayDegree;
    const preference = isSmall ? others : this.#random.fork(`overlay ${peer}`).shuffled(others);
    this.#preferences.set(peer, preference);
    return preference;
  }

  #pass(link: Link, from: PeerId, to: PeerId, deliver: () => void, isGreeting = false): void {
    const arrive = (): void => {
      const isLastWord = link.lastWordsOf === from && this.#links.get(this.#pair(from, to)) === link;
      if (link.alive || isLastWord) deliver();
    };
    const blocks = this.#blocks.get(this.#way(from, to));
    if (blocks !== undefined) {
      if (blocks.every(({ oneWay }) => !oneWay)) link.held.push({ from, to, deliver: arrive });
      return;
    }
    const { nowMs } = this.#queue;
    const { disorder } = this.#conditions;
    const soonest = nowMs + link.latencyMs * this.#random.between(0.5, 1.5) + this.#slownessMs(from, to);
    if (!isGreeting && disorder > 0 && this.#random.chance(disorder))
      return this.#queue.after(soonest - nowMs + this.#random.between(0, disorderMs), arrive);
    const at = Math.max(link.arrival.get(to) ?? 0, soonest);
    link.arrival.set(to, at);
    this.#queue.after(at - nowMs, arrive);
  }

  #notice(a: PeerId, b: PeerId, loud: boolean): void {
    const pair = this.#pair(a, b);
    const cutAt = this.#cutSince.get(pair) ?? this.#queue.nowMs;
    const isNew = !this.#cutSince.has(pair);
    this.#cutSince.set(pair, cutAt);
    const link = this.#links.get(pair);
    if (link?.alive !== true) return;
    if (loud) {
      end(link);
      return this.#tellBoth(a, b, refusedMs);
    }
    if (!isNew) return;
    this.#queue.after(silenceMs, () => {
      const now = this.#links.get(pair);
      if (this.#cutSince.get(pair) !== cutAt || now?.alive !== true) return;
      end(now);
      this.#tellBoth(a, b, 0);
    });
  }

  #tellBoth(a: PeerId, b: PeerId, afterMs: number): void {
    this.#queue.after(afterMs, () => {
      if (this.isLinked(a, b)) return;
      this.#host.onDown(a, b);
      this.#host.onDown(b, a);
    });
  }

  #unblock(cut: Cut, [from, to]: readonly [PeerId, PeerId]): void {
    const way = this.#way(from, to);
    const troubled = cut.slowMs === null ? this.#blocks : this.#slowed;
    const left = (troubled.get(way) ?? []).filter((one) => one !== cut);
    if (left.length > 0) troubled.set(way, left);
    else troubled.delete(way);
    if (!this.#isCut(from, to)) this.#cutSince.delete(this.#pair(from, to));
  }

  #release([from, to]: readonly [PeerId, PeerId]): void {
    const link = this.#links.get(this.#pair(from, to));
    if (link === undefined || !this.canPass(from, to)) return;
    const due = link.held.filter((one) => one.from === from && one.to === to);
    link.held = link.held.filter((one) => !due.includes(one));
    for (const { deliver } of due) this.#queue.after(link.latencyMs, deliver);
  }

  #slownessMs(from: PeerId, to: PeerId): number {
    const slowed = this.#slowed.get(this.#way(from, to)) ?? [];
    return slowed.reduce((sum, { slowMs }) => sum + this.#random.between(0, slowMs ?? 0), 0);
  }

  #isCut(a: PeerId, b: PeerId): boolean {
    return !this.canPass(a, b) || !this.canPass(b, a);
  }

  #link(a: PeerId, b: PeerId): void {
    if (this.#isCut(a, b) || this.isLinked(a, b)) return;
    if (!this.#host.canGreet(a) || !this.#host.canGreet(b)) return;
    const [low, high] = this.#conditions.latencyMs;
    const pair = this.#pair(a, b);
    const latencyMs = low === high ? low : this.#random.fork(`link ${pair}`).between(low, high);
    const link: Link = { alive: true, lastWordsOf: null, latencyMs, arrival: new Map(), held: [] };
    this.#links.set(pair, link);
    this.#pass(link, a, b, () => this.#host.onUp(b, a), true);
    this.#pass(link, b, a, () => this.#host.onUp(a, b), true);
  }

  #way(from: PeerId, to: PeerId): number {
    return (this.#index.get(from) ?? 0) * 4_096 + (this.#index.get(to) ?? 0);
  }

  #pair(a: PeerId, b: PeerId): number {
    const [one, other] = [this.#index.get(a) ?? 0, this.#index.get(b) ?? 0];
    return one < other ? one * 4_096 + other : other * 4_096 + one;
  }
}

interface Flood {
  readonly reached: Set<PeerId>;
  readonly onHop: (by: PeerId) => void;
  readonly deliver: (to: PeerId) => void;
}

const end = (link: Link): void => {
  link.alive = false;
  link.lastWordsOf = null;
  link.held = [];
};
