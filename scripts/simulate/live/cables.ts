import type { Network, NetworkHandler } from '../../../src/peer/network/network.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';

/** The handler of each network under way, and what it has been told of its neighbours. */
interface End {
  readonly handler: NetworkHandler;
  /** Neighbours with whom there is a real link, and its addresses. */
  readonly links: Map<PeerId, { readonly addresses: readonly string[] }>;
}

/**
 * Where real networks of one process are cut and joined again. A cut is a loud one: both sides are told at once that the
 * neighbour is gone, and nothing passes until it heals. The connection underneath stays, so that healing takes no redial.
 */
export class Cables {
  readonly #ends = new Map<PeerId, End>();
  /** Peers on the far side of the cut; those on the same side hear each other. */
  #far: ReadonlySet<PeerId> = new Set();
  sentMessages = 0;

  /** The same network, except for what a cut keeps from it. */
  through(network: Network): Network {
    return {
      self: network.self,
      start: (handler) => network.start(this.#handler(network.self, handler)),
      addresses: () => network.addresses(),
      send: (to, frame) => {
        this.sentMessages += 1;
        if (!this.#isCut(network.self, to)) network.send(to, frame);
      },
      broadcast: (topic, data) => {
        this.sentMessages += 1;
        network.broadcast(topic, data);
      },
      put: async (to, name, chunks) => {
        if (this.#isCut(network.self, to)) throw new Error('not connected');
        return network.put(to, name, chunks);
      },
      get: (from, name) => {
        if (this.#isCut(network.self, from)) throw new Error('not connected');
        return network.get(from, name);
      },
      addPeer: (peer, addresses) => network.addPeer(peer, addresses),
      traffic: () => network.traffic(),
      stop: () => {
        this.#ends.delete(network.self);
        return network.stop();
      },
    };
  }

  cut(far: readonly PeerId[]): void {
    this.heal();
    this.#far = new Set(far);
    for (const [self, { handler, links }] of this.#ends) {
      for (const peer of links.keys()) if (this.#isCut(self, peer)) handler.onDown(peer);
    }
  }

  heal(): void {
    const wasFar = this.#far;
    this.#far = new Set();
    for (const [self, { handler, links }] of this.#ends) {
      for (const [peer, link] of links) {
        if (wasFar.has(self) !== wasFar.has(peer)) this.#meet(handler, peer, link);
      }
    }
  }

  /** Greeted afresh, since each may have said much since the cut. */
  #meet(handler: NetworkHandler, peer: PeerId, link: { readonly addresses: readonly string[] }): void {
    const hello = this.#ends.get(peer)?.handler.hello();
    if (hello !== undefined && handler.acceptHello(peer, hello) === null) handler.onUp(peer, link);
  }

  #handler(self: PeerId, handler: NetworkHandler): NetworkHandler {
    const links: End['links'] = new Map();
    this.#ends.set(self, { handler, links });
    return {
      hello: () => handler.hello(),
      acceptHello: (from, hello) => handler.acceptHello(from, hello),
      onUp: (peer, link) => {
        links.set(peer, link);
        if (!this.#isCut(self, peer)) handler.onUp(peer, link);
      },
      onDown: (peer) => {
        links.delete(peer);
        if (!this.#isCut(self, peer)) handler.onDown(peer);
      },
      onFrame: (from, frame) => {
        if (!this.#isCut(self, from)) handler.onFrame(from, frame);
      },
      onPut: (from, name, chunks) => handler.onPut(from, name, chunks),
      onGet: (from, name) => handler.onGet(from, name),
      onGossip: (from, topic, data) => {
        if (!this.#isCut(self, from)) handler.onGossip(from, topic, data);
      },
    };
  }

  #isCut(a: PeerId, b: PeerId): boolean {
    return this.#far.has(a) !== this.#far.has(b);
  }
}
