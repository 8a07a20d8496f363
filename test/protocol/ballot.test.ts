import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Ballot,
  compareBallots,
  compareMaybeVersions,
  compareVersions,
  describeVersion,
  ownerOf,
  sameBallot,
  sameOwner,
  sameVersion,
  type Version,
} from '../../src/protocol/ballot.ts';
import type { PeerId } from '../../src/protocol/ids.ts';

const ballotOf = (round: number, name = 'Ada', incarnation = 1): Ballot => ({
  round,
  peer: `12D3KooW${name}` as PeerId,
  incarnation,
});

/** Few values, so that equal ones meet. */
const few = fc.nat(2);
const ballots = fc
  .record({ round: few, name: fc.constantFrom('Ada', 'Bob', 'ada'), incarnation: few })
  .map(({ round, name, incarnation }) => ballotOf(round, name, incarnation));
const versions = fc.record({ ballot: ballots, seq: few });
const maybeVersions = fc.option(versions, { nil: null });

function isTotalOrder<T>(values: fc.Arbitrary<T>, compare: (a: T, b: T) => number): void {
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0);
      expect(compare(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
      if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 2_000 },
  );
}

describe('ballots', () => {
  it('are in a total order', () => isTotalOrder(ballots, compareBallots));

  it('are ordered by round, then peer, then incarnation', () => {
    const ascending = [ballotOf(1, 'Bob', 9), ballotOf(2, 'Ada', 1), ballotOf(2, 'Ada', 2), ballotOf(2, 'Bob', 0)];
    expect(ascending.toReversed().sort(compareBallots)).toEqual(ascending);
    expect(compareBallots(ballotOf(9), ballotOf(10))).toBeLessThan(0);
  });

  it('are the same only in all three', () => {
    expect(sameBallot(ballotOf(1), ballotOf(1))).toBe(true);
    for (const other of [ballotOf(2), ballotOf(1, 'Bob'), ballotOf(1, 'Ada', 2)]) {
      expect(sameBallot(ballotOf(1), other)).toBe(false);
    }
  });
});

describe('owners', () => {
  it('are a peer in one of its incarnations, whatever the round', () => {
    expect(sameOwner(ballotOf(1), ballotOf(2))).toBe(true);
    expect(sameOwner(ballotOf(1), ballotOf(1, 'Ada', 2))).toBe(false);
    expect(sameOwner(ballotOf(1), ballotOf(1, 'Bob'))).toBe(false);
    expect(ownerOf(ballotOf(7))).toEqual({ peer: '12D3KooWAda', incarnation: 1 });
  });
});

describe('versions', () => {
  const versionOf = (round: number, seq: number): Version => ({ ballot: ballotOf(round), seq });

  it('are in a total order', () => isTotalOrder(versions, compareVersions));

  it('are ordered by ballot, then seq', () => {
    const ascending = [versionOf(1, 9), versionOf(2, 0), versionOf(2, 2), versionOf(2, 10)];
    expect(ascending.toReversed().sort(compareVersions)).toEqual(ascending);
    expect(sameVersion(versionOf(1, 2), versionOf(1, 2))).toBe(true);
    expect(sameVersion(versionOf(1, 2), versionOf(1, 3))).toBe(false);
  });

  it('keep that order beside none so far, which is below all', () => {
    isTotalOrder(maybeVersions, compareMaybeVersions);
    fc.assert(
      fc.property(versions, versions, (a, b) => {
        expect(compareMaybeVersions(null, a)).toBeLessThan(0);
        expect(compareMaybeVersions(a, b)).toBe(compareVersions(a, b));
      }),
    );
    expect(compareMaybeVersions(null, null)).toBe(0);
  });

  it('can be told apart in a log', () => {
    expect(describeVersion(versionOf(3, 4))).toBe('3.WAda.1#4');
  });
});
