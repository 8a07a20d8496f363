import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseElectorate, electorateSize, majorityOf, rankByHash } from '../../src/election/electorate.ts';
import type { PeerId } from '../../src/protocol/ids.ts';
import { ada, bob, cyd, dan, eve, fivePeers } from './peers.ts';

const peerArbitrary = fc.integer({ min: 0, max: 999 }).map((number) => `12D3KooWpeer${number}` as PeerId);
const peersArbitrary = fc.uniqueArray(peerArbitrary, { minLength: 1, maxLength: 30 });
const nonceArbitrary = fc.stringMatching(/^[0-9a-f]{16}$/);

describe('the size of an electorate', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 3],
    [5, 5],
    [6, 5],
    [100, 5],
  ])('with %i live peers is %i', (peers, size) => {
    expect(electorateSize(peers)).toBe(size);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [5, 3],
  ])('has, of %i, a majority of %i', (electors, majority) => {
    expect(majorityOf(electors)).toBe(majority);
  });
});

describe('rendezvous hashing', () => {
  it('is the same on every machine and in every version', () => {
    expect(rankByHash(fivePeers, 'ab'.repeat(8))).toEqual([cyd, eve, ada, dan, bob]);
  });

  it('does not depend on the order in which the peers are named', () => {
    fc.assert(
      fc.property(peersArbitrary, nonceArbitrary, (peers, nonce) => {
        expect(rankByHash(peers.toReversed(), nonce)).toEqual(rankByHash(peers, nonce));
        expect(rankByHash(peers, nonce).toSorted()).toEqual(peers.toSorted());
      }),
    );
  });

  it('moves nobody else when a peer comes or goes', () => {
    fc.assert(
      fc.property(peersArbitrary, nonceArbitrary, fc.nat(), (peers, nonce, index) => {
        const gone = peers[index % peers.length];
        const rest = peers.filter((peer) => peer !== gone);
        expect(rankByHash(rest, nonce)).toEqual(rankByHash(peers, nonce).filter((peer) => peer !== gone));
      }),
    );
  });

  it('replaces one elector at most when a peer goes, and none when it was no elector', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(peerArbitrary, { minLength: 6, maxLength: 30 }),
        nonceArbitrary,
        fc.nat(),
        (peers, nonce, index) => {
          const gone = peers[index % peers.length];
          const before = chooseElectorate(peers, nonce);
          const after = chooseElectorate(
            peers.filter((peer) => peer !== gone),
            nonce,
          );
          const kept = before.filter((peer) => peer !== gone);
          expect(after.slice(0, kept.length)).toEqual(kept);
          expect(after).toHaveLength(before.length);
        },
      ),
    );
  });

  it('spreads the first seat over the mesh', () => {
    const firsts = Array.from({ length: 1_000 }, (_, nonce) => chooseElectorate(fivePeers, `nonce ${nonce}`)[0]);
    for (const peer of fivePeers) {
      const share = firsts.filter((first) => first === peer).length;
      expect(share).toBeGreaterThan(140);
      expect(share).toBeLessThan(260);
    }
  });
});

describe('the electorate of a task', () => {
  it('is distinct peers among those that answered', () => {
    fc.assert(
      fc.property(peersArbitrary, nonceArbitrary, (peers, nonce) => {
        const electorate = chooseElectorate(peers, nonce);
        expect(electorate).toHaveLength(electorateSize(peers.length));
        expect(new Set(electorate).size).toBe(electorate.length);
        expect(peers).toEqual(expect.arrayContaining([...electorate]));
      }),
    );
  });
});
