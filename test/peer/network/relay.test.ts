import { generateKeyPair } from '@libp2p/crypto/keys';
import { afterEach, describe, expect, it } from 'vitest';
import type { NetworkEvent } from '../../../src/peer/network/events.ts';
import { createLibp2pNetwork } from '../../../src/peer/network/libp2p.ts';
import type { Network } from '../../../src/peer/network/network.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';
import { Limits } from '../../../src/protocol/limits.ts';
import { Recorder, until } from '../../contracts/network.ts';

const meshKey = new Uint8Array(32).fill(9);
const loopback = '/ip4/127.0.0.1/tcp/0';
/** Where nobody ever listens. */
const nowhere = '/ip4/127.0.0.1/tcp/1';

interface Node {
  readonly network: Network;
  readonly heard: Recorder;
  readonly events: readonly NetworkEvent[];
}

describe('a relay', () => {
  const started: Network[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((network) => network.stop()));
  });

  async function start(listen: readonly string[]): Promise<Node> {
    const events: NetworkEvent[] = [];
    const network = createLibp2pNetwork({
      privateKey: await generateKeyPair('Ed25519'),
      meshKey,
      listen,
      mdns: false,
      log: (event) => events.push(event),
    });
    started.push(network);
    const heard = new Recorder(`hello of ${network.self}`);
    await network.start(heard);
    return { network, heard, events };
  }

  const isUp = (one: Node, other: Node): boolean => one.heard.has(`up ${other.network.self}`);
  const areUp = (one: Node, other: Node): boolean => isUp(one, other) && isUp(other, one);
  const relays = ({ events }: Node): readonly PeerId[] =>
    events.flatMap((event) => (event.event === 'relayed' ? [event.through] : []));

  async function link(one: Node, other: Node): Promise<void> {
    one.network.addPeer(other.network.self, other.network.addresses());
    await until('both are up', () => areUp(one, other));
  }

  /** They hear of each other as by an advert, and find nobody where it says. */
  function introduce(one: Node, other: Node): void {
    one.network.addPeer(other.network.self, [nowhere]);
    other.network.addPeer(one.network.self, [nowhere]);
  }

  /** Two peers that can be dialled by nobody, and a neighbour that they share. */
  async function apart(): Promise<{ a: Node; b: Node; c: Node }> {
    const [a, b, c] = [await start([]), await start([loopback]), await start([])];
    await link(a, b);
    await link(c, b);
    return { a, b, c };
  }

  it('links two peers that share nothing but a neighbour', async () => {
    const { a, b, c } = await apart();
    introduce(a, c);
    await until('they have met', () => areUp(a, c));
    expect([...relays(a), ...relays(c)]).toContain(b.network.self);

    const large = new Uint8Array(Limits.frame).map((_, index) => index % 251);
    a.network.send(c.network.self, large);
    c.network.send(a.network.self, large);
    await until('a large frame is there, both ways', () => a.heard.frames.length + c.heard.frames.length === 2);
    for (const { heard } of [a, c]) expect(Buffer.from(heard.frames[0] ?? []).equals(large)).toBe(true);
    expect(b.heard.frames).toEqual([]);
  });

  it('is not needed for gossip, which its neighbours hear by way of it, once', async () => {
    const { a, c } = await apart();
    introduce(a, c);
    await until('they have met', () => areUp(a, c));
    const heard = `gossip ${a.network.self} tasks last`;
    await until('gossip passes', () => {
      a.network.broadcast('tasks', new TextEncoder().encode('first'));
      return c.heard.has(`gossip ${a.network.self} tasks first`);
    });
    a.network.broadcast('tasks', new TextEncoder().encode('last'));
    await until('the last one is there', () => c.heard.has(heard));
    expect(c.heard.count(heard)).toBe(1);
  });

  it('that dies takes its links with it, and they are found again through another neighbour', async () => {
    const { a, b, c } = await apart();
    introduce(a, c);
    await until('they have met', () => areUp(a, c));
    const second = await start([loopback]);
    await link(a, second);
    await link(c, second);
    for (const { heard } of [a, c]) heard.clear();
    await b.network.stop();
    await until('they have met again', () => areUp(a, c));
    expect([...relays(a), ...relays(c)]).toContain(second.network.self);
    a.heard.clear();
    c.network.send(a.network.self, new Uint8Array([1]));
    await until('frames pass', () => a.heard.frames.length === 1);
  });

  it('is left for a direct connection as soon as there is one', async () => {
    const [a, b, c] = [await start([loopback]), await start([loopback]), await start([loopback])];
    await link(a, b);
    await link(c, b);
    // Over the relay each learns where the other really is.
    introduce(a, c);
    await until('they have met', () => areUp(a, c));
    await until('the link has moved', () => a.heard.count(`up ${c.network.self}`) > 1);
    await b.network.stop();
    await until('the relay is gone', () => a.heard.has(`down ${b.network.self}`));
    c.network.send(a.network.self, new Uint8Array([1]));
    await until('frames pass', () => a.heard.frames.length === 1);
    expect(a.heard.has(`down ${c.network.self}`)).toBe(false);
  });
});
