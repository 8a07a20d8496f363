import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { expect, it } from 'vitest';
import { type RelayHost, Relays } from '../../../src/peer/network/relay.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';

const someId = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString() as PeerId;

const target = await someId();
const others = await Promise.all(Array.from({ length: 10 }, someId));

const connection = (direct: boolean): Connection =>
  ({ direct, remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1') }) as Partial<Connection> as Connection;

/** Notes whom it asks and whom it serves. */
class Bench implements RelayHost {
  readonly asked: string[] = [];
  readonly served = new Map<string, unknown>();
  readonly relays = new Relays(this);
  private readonly neighbours: readonly PeerId[];
  private readonly helper: PeerId | undefined;

  constructor(neighbours: readonly PeerId[], helper?: PeerId) {
    this.neighbours = neighbours;
    this.helper = helper;
  }

  readonly reservations: RelayHost['reservations'] = {
    set: (peer, reservation) => void this.served.set(peer.toString(), reservation),
    delete: (peer) => this.served.delete(peer.toString()),
  };

  readonly dialer = {
    dial: async (address: Multiaddr): Promise<Connection> => {
      const relay = String(address).split('/')[2] ?? '';
      this.asked.push(relay);
      if (relay === this.helper) return connection(false);
      throw new Error('it does not know the way');
    },
  };

  candidates(): readonly PeerId[] {
    return this.neighbours;
  }
}

it('R1: a peer relays to whom it reaches directly, and nothing a second time', () => {
  const { relays, served } = new Bench([]);
  const serves = [[], [true], [true, true], [false], [true, false], [true], []].map((connections) => {
    relays.serve(target, connections.map(connection));
    return served.has(target);
  });
  expect(serves).toEqual([false, true, true, false, false, true, false]);
});

it('R2: it asks a few neighbours in a round, and first the one that has helped before', async () => {
  const helper = others[0] as PeerId;
  const { relays, asked } = new Bench(others, helper);
  for (let rounds = 1; (await relays.reach(target)) === null; rounds++) expect(asked).toHaveLength(3 * rounds);
  asked.length = 0;
  expect(await relays.reach(target)).toBe(helper);
  expect(asked).toEqual([helper]);
});

it('R2: it looks for a peer once at a time', async () => {
  const helper = others[0] as PeerId;
  const { relays, asked } = new Bench([helper], helper);
  expect(await Promise.all([relays.reach(target), relays.reach(target)])).toEqual([helper, null]);
  expect(asked).toEqual([helper]);
});
