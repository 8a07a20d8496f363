import { type Advert, type Hello, ProtocolVersion, Since } from '../../protocol/hello.ts';
import { byText, type MonoMs, type Now, type PeerId, shortPeer } from '../../protocol/ids.ts';
import type { Stored } from '../store/store.ts';
import { Acquaintances } from './acquaintances.ts';
import type { CoreConfig, PeerView } from './io.ts';
import { callRoll, type Roll } from './roll.ts';
import type { Spending } from './spending.ts';
import type { Step } from './step.ts';

interface Known {
  readonly advert: Advert;
  readonly role: Hello['role'];
  /** Of its protocol version; 0 where only its adverts are known. */
  readonly minor: number;
  readonly connected: boolean;
  readonly heardAt: MonoMs;
}

/** Intervals of silence after which a peer without a connection is gone for placement. */
const missedAdverts = 3;
/** A peer hears about this many adverts a second at most, so that from 45 peers on an idle one carries no more. */
export const advertsPerSecond = 3;

/** What this peer tells about itself that can change while it runs. */
export interface Status {
  readonly running: number;
  readonly unavailable: Advert['unavailable'];
  readonly spentToday?: Advert['spentToday'];
}

/**
 * Who is there. A neighbour lives as long as its connection; others live as long as their adverts come.
 * Clients are neighbours but no peers: they take no seats and no work.
 */
export class Membership {
  readonly acquaintances: Acquaintances;
  readonly #config: CoreConfig;
  readonly #known = new Map<PeerId, Known>();
  readonly #startedAt: MonoMs;
  /** When the link to a peer was lost. */
  readonly #goneSince = new Map<PeerId, MonoMs>();
  /** Those that have said goodbye, this one included. */
  readonly #leaving = new Set<PeerId>();
  /** Of those that are known now; called again once that has changed. */
  #roll: Roll | null = null;
  #seq = 0;
  #advert: Advert;

  constructor(config: CoreConfig, stored: Pick<Stored, 'peers'>, now: MonoMs) {
    this.#config = config;
    this.acquaintances = new Acquaintances(stored);
    this.#startedAt = now;
    this.#advert = this.#makeAdvert({ running: 0, unavailable: null });
  }

  get held(): number {
    return this.#known.size + this.#goneSince.size + this.#leaving.size;
  }

  hello(): Hello {
    return { ...ProtocolVersion, role: this.#config.role, advert: { ...this.#advert, addresses: this.#addresses() } };
  }

  /** A link is up. Tells whether the peer has been restarted since it was last heard of. */
  up(peer: PeerId, hello: Hello, step: Step): { readonly restarted: boolean } {
    const before = this.#known.get(peer);
    if (hello.role === 'peer') this.acquaintances.meet(hello.advert, step);
    this.#goneSince.delete(peer);
    this.#leaving.delete(peer);
    this.#roll = null;
    const { advert, role, minor } = hello;
    this.#known.set(peer, { advert, role, minor, connected: true, heardAt: step.monoMs });
    if (before?.connected !== true && hello.role === 'peer') {
      step.emit({ type: 'peer-up', peer, name: hello.advert.name });
    }
    return { restarted: before !== undefined && before.advert.incarnation !== hello.advert.incarnation };
  }

  /** A neighbour is gone; until its adverts come by other ways, it is gone for placement too. */
  down(peer: PeerId, step: Step): void {
    const known = this.#known.get(peer);
    if (known === undefined) return;
    this.#known.delete(peer);
    this.#roll = null;
    if (known.role !== 'peer') return;
    if (known.connected) this.#goneSince.set(peer, step.monoMs);
    step.emit({ type: 'peer-down', peer, name: known.advert.name });
  }

  /** It is about to stop: nothing new is built on it. */
  leaving(peer: PeerId): void {
    if (peer !== this.#config.self && this.#known.get(peer)?.role !== 'peer') return;
    this.#leaving.add(peer);
    this.#roll = null;
  }

  isLeaving(peer: PeerId): boolean {
    return this.#leaving.has(peer);
  }

  /** How long there has been no link; a peer that was never met counts from this one's start. */
  goneForMs(peer: PeerId, now: MonoMs): number {
    return this.isUp(peer) ? 0 : now - (this.#goneSince.get(peer) ?? this.#startedAt);
  }

  /** An advert by gossip; an older one than the last changes nothing. True when it brought something new. */
  heard(advert: Advert, step: Step): boolean {
    if (advert.peer === this.#config.self) return false;
    const before = this.#known.get(advert.peer);
    if (before !== undefined && !isNewer(advert, before.advert)) return false;
    const role = before?.role ?? 'peer';
    this.acquaintances.meet(advert, step);
    if (before === undefined) this.#roll = null;
    const { minor, connected } = before ?? { minor: 0, connected: false };
    this.#known.set(advert.peer, { advert, role, minor, connected, heardAt: step.monoMs });
    return true;
  }

  /**
   * Forgets peers that were not heard for several intervals, and since when they are gone once that makes no
   * difference: one that is not known counts as gone since before.
   */
  prune(step: Step): void {
    const limit = missedAdverts * this.advertEveryMs();
    for (const [peer, known] of this.#known) {
      if (!known.connected && step.monoMs - known.heardAt > limit) this.down(peer, step);
    }
    const isLongGone = (peer: PeerId): boolean => this.goneForMs(peer, step.monoMs) >= this.#config.timing.healAfterMs;
    for (const peer of this.#leaving) if (isLongGone(peer)) this.#leaving.delete(peer);
    for (const peer of this.#goneSince.keys()) if (isLongGone(peer)) this.#goneSince.delete(peer);
  }

  /** Gossips the advert with a new seq. */
  advertise(status: Status, step: Step): void {
    if (this.#config.role === 'client') return;
    this.#seq += 1;
    this.#advert = this.#makeAdvert(status);
    step.broadcast({ type: 'advert', advert: this.#advert });
  }

  /** Grows with the mesh, so that the adverts heard per second do not. */
  advertEveryMs(): number {
    return Math.max(this.#config.timing.advertEveryMs, (this.#known.size * 1_000) / advertsPerSecond);
  }

  isUp(peer: PeerId): boolean {
    return peer === this.#config.self || this.#known.get(peer)?.connected === true;
  }

  /** Both keep tombstones. A client does not: it has come for one task, and is told of that one. */
  sharesTombstones(peer: PeerId): boolean {
    const known = this.#known.get(peer);
    return this.#config.role === 'peer' && known?.role === 'peer' && known.minor >= Since.tombstones;
  }

  /** Peers with a link, sorted; without clients and without this peer. */
  neighbours(): readonly PeerId[] {
    return this.#called().neighbours;
  }

  /** Who can be an elector from now on: linked and not about to stop; sorted, this peer included. */
  staying(): readonly PeerId[] {
    return this.#called().staying;
  }

  /**
   * Everybody, where a few peers are all each other's neighbours: telling them over the kept streams costs a tenth of a
   * signed gossip hop. Null in any other mesh: gossip reaches who is not a neighbour.
   */
  directAudience(): readonly PeerId[] | null {
    return this.#called().direct;
  }

  /** Every peer that lives as far as this one knows, itself included, sorted. */
  live(): readonly PeerId[] {
    return this.#called().live;
  }

  nameOf(peer: PeerId): string {
    return peer === this.#config.self ? this.#config.name : (this.acquaintances.nameOf(peer) ?? shortPeer(peer));
  }

  /** `status` is this peer's own as of now: its last advert is older. */
  views({ monoMs, wallMs }: Now, status: Status, spending: Spending): readonly PeerView[] {
    const self: PeerView = {
      self: true,
      connected: true,
      lastSeenMs: 0,
      advert: this.#makeAdvert(status),
      spentTodayUsd: spending.of(this.#config.self, wallMs),
    };
    const others = [...this.#known.values()].flatMap(({ advert, role, connected, heardAt }): readonly PeerView[] => {
      if (role !== 'peer') return [];
      const lastSeenMs = connected ? 0 : Math.max(0, monoMs - heardAt);
      return [{ self: false, connected, lastSeenMs, advert, spentTodayUsd: spending.of(advert.peer, wallMs) }];
    });
    return (this.#config.role === 'client' ? others : [self, ...others]).sort(
      (a, b) => byText(a.advert.name, b.advert.name) || byText(a.advert.peer, b.advert.peer),
    );
  }

  #called(): Roll {
    this.#roll ??= callRoll(this.#known, this.#leaving, { peer: this.#config.self, role: this.#config.role });
    return this.#roll;
  }

  #addresses(): string[] {
    return this.#config.addresses().slice(0, 16);
  }

  #makeAdvert(status: Status): Advert {
    const { self, name, incarnation, specialties, capacity, executor, sandbox, version } = this.#config;
    return {
      peer: self,
      name,
      incarnation,
      seq: this.#seq,
      specialties: [...specialties],
      capacity,
      running: status.running,
      executor: 'name' in executor ? executor.name : null,
      sandbox: sandbox ?? null,
      unavailable: status.unavailable,
      ...(status.spentToday && { spentToday: status.spentToday }),
      version,
      addresses: this.#addresses(),
    };
  }
}

const isNewer = (a: Advert, b: Advert): boolean => (a.incarnation - b.incarnation || a.seq - b.seq) > 0;
