import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { afterEach, describe, expect, it } from 'vitest';
import type { NetworkEvent } from '../../../src/peer/network/events.ts';
import { createLibp2pNetwork, type Libp2pNetworkOptions } from '../../../src/peer/network/libp2p.ts';
import type { Network } from '../../../src/peer/network/network.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';
import { networkContract, Recorder, until } from '../../contracts/network.ts';
import { freePort } from '../../support/free-port.ts';

const meshKey = new Uint8Array(32).fill(7);
const loopback = '/ip4/127.0.0.1/tcp/0';

networkContract('libp2p', () => {
  const identities = new Map<number, Promise<{ privateKey: PrivateKey; port: number }>>();
  const identity = async (): Promise<{ privateKey: PrivateKey; port: number }> => ({
    privateKey: await generateKeyPair('Ed25519'),
    port: await freePort(),
  });
  return {
    network: async (number) => {
      const known = identities.get(number) ?? identity();
      identities.set(number, known);
      const { privateKey, port } = await known;
      return createLibp2pNetwork({ privateKey, meshKey, listen: [`/ip4/127.0.0.1/tcp/${port}`], mdns: false });
    },
  };
});

describe('the libp2p network', () => {
  const started: Network[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((network) => network.stop()));
  });

  async function create(options: Partial<Libp2pNetworkOptions> = {}): Promise<{ network: Network; heard: Recorder }> {
    const privateKey = await generateKeyPair('Ed25519');
    const network = createLibp2pNetwork({ privateKey, meshKey, listen: [loopback], mdns: false, ...options });
    started.push(network);
    return { network, heard: new Recorder(network.self) };
  }

  async function start(options: Partial<Libp2pNetworkOptions> = {}): Promise<{ network: Network; heard: Recorder }> {
    const node = await create(options);
    await node.network.start(node.heard);
    return node;
  }

  it('finds the peers of its mesh on the local network, by mDNS', async () => {
    const mdns = ['127.0.0.1'];
    const [a, b, c] = [await start({ mdns }), await start({ mdns }), await start({ mdns })];
    const events: NetworkEvent[] = [];
    await start({ mdns, meshKey: new Uint8Array(32).fill(8), log: (event) => events.push(event) });
    const sees = (one: typeof a, all: readonly (typeof a)[]): boolean =>
      all.every(({ network }) => network === one.network || one.heard.has(`up ${network.self}`));
    await until('all have met', () => [a, b, c].every((one) => sees(one, [a, b, c])));
    // A peer of another mesh does not even try to dial them.
    expect(events.map(({ event }) => event)).toEqual(['listening']);
  });

  it('gives a peer with another mesh key nothing', async () => {
    const events: NetworkEvent[] = [];
    const a = await start();
    const stranger = await start({ meshKey: new Uint8Array(32).fill(8), log: (event) => events.push(event) });
    stranger.network.addPeer(a.network.self, a.network.addresses());
    a.network.addPeer(stranger.network.self, stranger.network.addresses());
    await until('it has failed', () => events.some(({ event }) => event === 'dial-failed'));
    expect(a.heard.events).toEqual([]);
    expect(stranger.heard.events).toEqual([]);
  });

  it('dials an address without a peer id until somebody is there, and again when they return', async () => {
    const port = await freePort();
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    const a = await start({ dial: listen, listen: [] });
    const b = await start({ listen });
    await until('they have met', () => a.heard.has(`up ${b.network.self}`));
    await b.network.stop();
    const c = await start({ listen });
    await until('a has met whoever is there now', () => a.heard.has(`up ${c.network.self}`));
  });

  it('ignores what is no peer id, and addresses that belong to another peer', async () => {
    const [a, b] = [await start(), await start()];
    a.network.addPeer('nonsense' as PeerId, b.network.addresses());
    a.network.addPeer(a.network.self, b.network.addresses());
    expect(() => a.network.send('nonsense' as PeerId, new Uint8Array(1))).not.toThrow();
    a.network.addPeer(b.network.self, ['nonsense', '/ip4/127.0.0.1/udp/1', ...b.network.addresses()]);
    await until('they have met', () => a.heard.has(`up ${b.network.self}`));
  });

  it('names a port that is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    const address = `/ip4/127.0.0.1/tcp/${(blocker.address() as AddressInfo).port}`;
    const { network, heard } = await create({ listen: [loopback, address] });
    await expect(network.start(heard)).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'listen-failed',
      address,
      message: expect.stringContaining('is in use'),
    });
    blocker.close();
  });

  it.each(['nonsense', '/ip4/999.0.0.1/tcp/1', '/ip4/127.0.0.1/udp/4001'])(
    'refuses the address %s',
    async (address) => {
      const { network, heard } = await create({ listen: [address] });
      await expect(network.start(heard)).rejects.toMatchObject({ code: 'bad-address', address });
    },
  );

  it('cuts off a neighbour that takes nothing in, and meets it again', async () => {
    const events: NetworkEvent[] = [];
    const [a, b] = [await start({ log: (event) => events.push(event) }), await start()];
    a.network.addPeer(b.network.self, b.network.addresses());
    await until('they have met', () => a.heard.has(`up ${b.network.self}`) && b.heard.has(`up ${a.network.self}`));
    a.heard.clear();
    // All within one turn: the neighbour, in the same process, cannot take any of it meanwhile.
    const frame = new Uint8Array(1024 * 1024);
    for (let index = 0; index < 17; index++) a.network.send(b.network.self, frame);
    expect(events).toContainEqual({
      event: 'link-lost',
      peer: b.network.self,
      reason: expect.stringContaining('queue is full'),
    });
    await until('they have met again', () => a.heard.has(`up ${b.network.self}`));
    expect(a.heard.has(`down ${b.network.self}`)).toBe(false);
  });
});
