import type { Stream } from '@libp2p/interface';
import { byText, type PeerId } from '../../protocol/ids.ts';
import { Backoff } from './backoff.ts';
import type { NetworkLog } from './events.ts';
import { Link, type LinkEnd } from './link.ts';
import type { NetworkHandler } from './network.ts';

/**
 * How long the peer with the larger id waits for the other to open the stream: some hosts can be reached one way only.
 */
const fallbackMs = 500;
const firstRetryMs = 100;
const lastRetryMs = 5_000;
const keepAliveMs = 2_000;
const suspectMs = 6_000;
/** A neighbour that no probe can reach (it dialled us) is given up after so much silence. */
const deadMs = 30_000;
const refusedMs = 30_000;
const flushMs = 200;

/** A stream, and whether its connection is a direct one or leads through a relay. */
export interface Route {
  readonly stream: Stream;
  readonly direct: boolean;
}

/** What a neighbour needs of the node that it belongs to. */
export interface NeighbourHost {
  readonly self: PeerId;
  readonly graceMs: number;
  readonly handler: NetworkHandler;
  readonly log: NetworkLog;
  isConnected(peer: PeerId): boolean;
  hasDirect(peer: PeerId): boolean;
  /** Over a direct connection, if there is one. */
  openRoute(peer: PeerId): Promise<Route>;
  closeRelayed(peer: PeerId): void;
  /** Dials until connected. */
  seek(peer: PeerId): void;
  /** Ends every connection, and leaves the peer alone for so long. */
  dismiss(peer: PeerId, forMs: number): void;
  /** Ends every connection, and dials anew. */
  abandon(peer: PeerId): void;
  addresses(peer: PeerId): readonly string[];
  probe(peer: PeerId): Promise<Probe>;
}

/**
 * What a peer that is silent turns out to be: `gone` when its host takes no connection; `stopped` when the host does
 * but the process does not go on from there; `answers` when a new connection works, so that the old one is dead (a PC
 * that moved to another network); `unknown` when there is no address to try.
 */
export type Probe = 'gone' | 'stopped' | 'answers' | 'unknown';

/**
 * One other peer, and the one link to it out of however many connections and streams two peers make of meeting twice.
 *
 * N1 The peer with the smaller id opens the stream; the other only when none came in time. N2 An incoming stream
 * replaces the link, as its opener has none; except while a stream of ours is under way that N1 prefers. N3 `onDown`
 * comes `graceMs` after an up link was lost without another one coming up, never otherwise. N4 Silence alone never ends
 * a link: a stopped process is not a lost one. A probe must show that the link is dead. N5 A link through a relay moves
 * to a direct connection as soon as there is one, by the same rules.
 */
export class Neighbour {
  private readonly peer: PeerId;
  private readonly host: NeighbourHost;
  private readonly opensFirst: boolean;
  private readonly retry = new Backoff(firstRetryMs, lastRetryMs);
  private link: Link | null = null;
  private linkIsOurs = false;
  private linkIsDirect = false;
  /** The handler's last word was `onUp`. */
  private told = false;
  private opening = false;
  private probing = false;
  private openTimer: NodeJS.Timeout | null = null;
  private graceTimer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(peer: PeerId, host: NeighbourHost) {
    this.peer = peer;
    this.host = host;
    this.opensFirst = byText(host.self, peer) < 0;
  }

  send(frame: Uint8Array): void {
    if (this.link?.isUp()) this.link.send(frame);
  }

  isUp(): boolean {
    return this.link?.isUp() ?? false;
  }

  /** Up, and not so silent that something may be wrong. */
  answers(): boolean {
    return this.isUp() && (this.link?.silentForMs() ?? 0) < suspectMs;
  }

  /** A connection has come up, from whichever side. */
  connected(): void {
    this.openIn(this.opensFirst ? 0 : fallbackMs);
  }

  /** The last direct connection has closed; the link, if it was over that one, ends by itself. */
  disconnected(): void {
    if (!this.stopped) this.host.seek(this.peer);
  }

  /** A stream that the neighbour opened (N2). */
  incoming(route: Route): void {
    const oursIsUnderWay = this.opening || (this.link !== null && !this.link.isUp() && this.linkIsOurs);
    if (this.stopped || (this.opensFirst && oursIsUnderWay)) decline(route);
    else this.adopt(route, false);
  }

  /** Nothing connects it to this peer, and nothing is under way to. */
  isGone(): boolean {
    return this.link === null && !this.opening && this.openTimer === null && this.graceTimer === null && !this.told;
  }

  /** To be called every second or so (N4). */
  checkSilence(): void {
    const link = this.link;
    if (link === null || !link.isUp()) return;
    link.keepAlive(keepAliveMs);
    const silentMs = link.silentForMs();
    if (silentMs >= suspectMs && !this.probing) void this.probe(link, silentMs);
  }

  /** Lets what is queued leave, within a bound. No handler is called from here on. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.openTimer !== null) clearTimeout(this.openTimer);
    if (this.graceTimer !== null) clearTimeout(this.graceTimer);
    if (this.link !== null) await closeWithin(this.link, flushMs);
  }

  private openIn(delayMs: number): void {
    if (this.openTimer !== null) clearTimeout(this.openTimer);
    this.openTimer = setTimeout(() => void this.open(), delayMs);
  }

  private async open(): Promise<void> {
    this.openTimer = null;
    if (this.stopped || this.opening || !this.host.isConnected(this.peer)) return;
    if (!this.isBetter(this.host.hasDirect(this.peer))) return;
    this.opening = true;
    try {
      const route = await this.host.openRoute(this.peer);
      if (this.stopped || !this.isBetter(route.direct)) decline(route);
      else this.adopt(route, true);
    } catch {
      this.recover();
    } finally {
      this.opening = false;
    }
  }

  /** Whether a stream, over a direct connection or not, would be better than what there is (N5). */
  private isBetter(direct: boolean): boolean {
    return this.link === null || (direct && !this.linkIsDirect);
  }

  private adopt({ stream, direct }: Route, ours: boolean): void {
    const replaced = this.link;
    if (this.told) this.startGrace();
    const link: Link = new Link(stream, {
      hello: () => this.host.handler.hello(),
      acceptHello: (hello) => this.host.handler.acceptHello(this.peer, hello),
      onUp: () => this.onUp(link),
      onFrame: (frame) => {
        if (link === this.link) this.host.handler.onFrame(this.peer, frame);
      },
      onEnd: (end) => this.onEnd(link, end),
    });
    this.link = link;
    this.linkIsOurs = ours;
    this.linkIsDirect = direct;
    replaced?.abort('replaced by a newer one');
    link.start();
  }

  private onUp(link: Link): void {
    if (link !== this.link || this.stopped) return;
    this.retry.reset();
    if (this.graceTimer !== null) clearTimeout(this.graceTimer);
    this.graceTimer = null;
    this.told = true;
    this.host.handler.onUp(this.peer, { addresses: this.host.addresses(this.peer) });
    // N5: from now on nothing is sent over them.
    if (this.linkIsDirect) this.host.closeRelayed(this.peer);
    else if (this.host.hasDirect(this.peer)) this.connected();
  }

  private onEnd(link: Link, end: LinkEnd): void {
    if (link !== this.link || this.stopped) return;
    this.link = null;
    if (this.told) this.startGrace();
    switch (end.type) {
      case 'refused':
        this.host.log({ event: 'link-refused', peer: this.peer, by: end.by, reason: end.reason });
        void closeWithin(link, flushMs).then(() => this.host.dismiss(this.peer, refusedMs));
        return;
      case 'lost':
        this.host.log({ event: 'link-lost', peer: this.peer, reason: end.reason });
        this.recover();
        return;
    }
  }

  /** No link: back to a stream over what connections are left, or to a connection. */
  private recover(): void {
    if (this.stopped || this.link !== null) return;
    if (this.host.isConnected(this.peer)) this.openIn(this.opensFirst ? this.retry.nextMs() : fallbackMs);
    else this.host.seek(this.peer);
  }

  private startGrace(): void {
    this.graceTimer ??= setTimeout(() => {
      this.graceTimer = null;
      this.told = false;
      this.host.handler.onDown(this.peer);
    }, this.host.graceMs);
  }

  private async probe(link: Link, silentMs: number): Promise<void> {
    this.probing = true;
    // That it cannot be reached directly is nothing new; and a relay that dies takes the link with it.
    const found = this.linkIsDirect ? await this.host.probe(this.peer) : 'unknown';
    this.probing = false;
    if (this.stopped || link !== this.link || link.silentForMs() < suspectMs) return;
    if (found === 'stopped' || (found === 'unknown' && silentMs < deadMs)) return;
    link.abort(found === 'answers' ? 'only a new connection works' : 'its host does not answer');
    this.host.abandon(this.peer);
  }
}

const decline = ({ stream }: Route): void => stream.abort(new Error('another stream is preferred'));

async function closeWithin(link: Link, withinMs: number): Promise<void> {
  const bound = Promise.withResolvers<void>();
  const timer = setTimeout(bound.resolve, withinMs);
  await Promise.race([link.close(), bound.promise]);
  clearTimeout(timer);
}
