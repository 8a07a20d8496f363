import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerFor,
  type Bidder,
  decline,
  type Requirement,
  rankBids,
  scoreOf,
  stallReason,
  Weights,
} from '../../src/election/placement.ts';
import { type Answer, answerSchema, type Bid, describeDecline, type ScoreParts } from '../../src/protocol/bids.ts';
import { type PeerId, wallMs } from '../../src/protocol/ids.ts';
import { ada, bob, cyd, dan, fivePeers } from './peers.ts';

const bidderOf = (overrides: Partial<Bidder> = {}): Bidder => ({
  specialties: ['general'],
  capacity: 1,
  running: 0,
  warm: false,
  attemptsDone: 0,
  attemptsEnded: 0,
  ...overrides,
});
const wants = (specialties: readonly string[], explicit = false): Requirement => ({ specialties, explicit });

function bidFor(requirement: Requirement, bidder: Partial<Bidder> = {}): Bid {
  const answer = answerFor(requirement, bidderOf(bidder));
  if (answer.type !== 'bid') throw new Error(describeDecline(answer));
  return answer;
}
const partsFor = (requirement: Requirement, bidder: Partial<Bidder> = {}): ScoreParts =>
  bidFor(requirement, bidder).parts;

const scored = (score: number): Bid => ({ type: 'bid', score, parts: partsFor(wants([])) });
const ranked = (answers: readonly (readonly [PeerId, Answer])[], tieBreak = 'task'): readonly PeerId[] =>
  rankBids(new Map(answers), tieBreak, new Set()).map(({ peer }) => peer);

describe('the score', () => {
  it('is made of its parts by weights that add up to 1', () => {
    expect(Weights).toEqual({ specialty: 0.55, freeSlots: 0.25, warm: 0.1, success: 0.1 });
    expect(scoreOf({ specialty: 1, freeSlots: 1, warm: 1, success: 1 })).toBe(1);
    expect(scoreOf({ specialty: 1, freeSlots: 0, warm: 0, success: 0 })).toBe(0.55);
    expect(scoreOf({ specialty: 0, freeSlots: 1, warm: 0, success: 0 })).toBe(0.25);
    expect(scoreOf({ specialty: 0, freeSlots: 0, warm: 1, success: 0 })).toBe(0.1);
    expect(scoreOf({ specialty: 0, freeSlots: 0, warm: 0, success: 1 })).toBe(0.1);
  });

  it('is that of the parts in the bid', () => {
    const bid = bidFor(wants(['backend']), { specialties: ['backend'], capacity: 4, running: 1, warm: true });
    expect(bid.parts).toEqual({ specialty: 1, freeSlots: 0.75, warm: 1, success: 0.5 });
    expect(bid.score).toBe(0.8875);
  });

  it('counts the share of the specialties asked for', () => {
    const has = { specialties: ['backend', 'general'] };
    expect(partsFor(wants(['backend', 'testing']), has).specialty).toBe(0.5);
    expect(partsFor(wants(['backend']), has).specialty).toBe(1);
  });

  it('puts a specialist before a generalist, and a generalist before a peer of another kind', () => {
    const [special, general, other] = [['backend'], ['general'], ['frontend']].map(
      (specialties) => bidFor(wants(['backend']), { specialties }).score,
    );
    expect(special).toBeGreaterThan(general ?? 1);
    expect(general).toBeGreaterThan(other ?? 1);
  });

  it('prefers a generalist where nothing is asked for', () => {
    expect(partsFor(wants([])).specialty).toBe(1);
    expect(partsFor(wants([]), { specialties: ['backend'] }).specialty).toBe(0.5);
  });

  it('begins at one half for past success and follows what ended', () => {
    expect(partsFor(wants([])).success).toBe(0.5);
    expect(partsFor(wants([]), { attemptsDone: 8, attemptsEnded: 8 }).success).toBe(0.9);
    expect(partsFor(wants([]), { attemptsDone: 0, attemptsEnded: 8 }).success).toBe(0.1);
  });

  it('is from 0 to 1, as a bid on the wire must be, whatever the bidder', () => {
    const names = fc.subarray(['general', 'backend', 'frontend', 'testing'], { minLength: 0 });
    const bidders = fc
      .record({
        capacity: fc.integer({ min: 1, max: 1_000 }),
        done: fc.nat(1_000),
        lost: fc.nat(1_000),
        warm: fc.boolean(),
      })
      .chain(({ capacity, done, lost, warm }) =>
        fc.record({
          specialties: names,
          capacity: fc.constant(capacity),
          running: fc.integer({ min: 0, max: capacity }),
          warm: fc.constant(warm),
          attemptsDone: fc.constant(done),
          attemptsEnded: fc.constant(done + lost),
        }),
      );
    fc.assert(
      fc.property(names, fc.boolean(), bidders, (specialties, explicit, bidder) => {
        const answer = answerFor({ specialties, explicit }, bidder);
        expect(answerSchema.safeParse(answer).success).toBe(true);
        expect(answer).toEqual(answerFor({ specialties, explicit }, bidder));
      }),
    );
  });
});

describe('a requirement', () => {
  it('is a condition when a person made it: every specialty, and the decline names those that are missing', () => {
    const answer = answerFor(wants(['backend', 'testing', 'devops'], true), bidderOf({ specialties: ['backend'] }));
    expect(answer).toEqual(decline('requires', 'testing, devops'));
    expect(bidFor(wants(['backend'], true), { specialties: ['backend', 'testing'] }).score).toBeGreaterThan(0.55);
  });

  it('only scores when it was inferred: a lone backend peer takes a testing task', () => {
    const answer = bidFor(wants(['testing']), { specialties: ['backend'] });
    expect(answer.parts.specialty).toBe(0);
    expect(ranked([[ada, answer]])).toEqual([ada]);
  });

  it('is told before the load: a peer that can never take it does not say that it is busy', () => {
    const answer = answerFor(wants(['testing'], true), bidderOf({ running: 1 }));
    expect(answer).toMatchObject({ type: 'decline', reason: 'requires' });
  });
});

describe('a full peer', () => {
  it.each([
    [1, 1],
    [3, 2],
    [0, 0],
  ])('running %i with a capacity of %i declines as busy', (running, capacity) => {
    expect(answerFor(wants([]), bidderOf({ running, capacity }))).toEqual(
      decline('busy', `${running} of ${capacity} slots`),
    );
  });
});

describe('the order of bids', () => {
  it('is by score; declines are left out', () => {
    expect(
      ranked([
        [ada, scored(0.4)],
        [bob, decline('busy')],
        [cyd, scored(0.9)],
        [dan, scored(0.6)],
      ]),
    ).toEqual([cyd, dan, ada]);
  });

  it('is, among equals, that of a hash: the same whoever reckons it, another for another task', () => {
    const answers = fivePeers.map((peer) => [peer, scored(0.5)] as const);
    expect(ranked(answers.toReversed())).toEqual(ranked(answers));
    const firsts = new Set(Array.from({ length: 50 }, (_, index) => ranked(answers, `task ${index}`)[0]));
    expect(firsts.size).toBe(5);
  });

  it('does not depend on the order in which the answers came', () => {
    const answersArbitrary = fc.uniqueArray(
      fc.tuple(fc.constantFrom(...fivePeers), fc.constantFrom(0.2, 0.5, 0.8).map(scored)),
      { selector: ([peer]) => peer },
    );
    fc.assert(
      fc.property(answersArbitrary, fc.string(), (answers, tieBreak) => {
        expect(ranked(answers.toReversed(), tieBreak)).toEqual(ranked(answers, tieBreak));
      }),
    );
  });
});

describe('why a task waits', () => {
  it('counts equal reasons, in an order that does not change', () => {
    const declines = [decline('requires', 'frontend'), decline('busy'), decline('busy')];
    expect(stallReason(declines)).toBe('2 × busy, 1 × requires (frontend)');
    expect(stallReason(declines.toReversed())).toBe(stallReason(declines));
  });

  it('says when the first of them is back', () => {
    const quota = (minute: number) => decline('quota', null, wallMs(Date.UTC(2026, 10, 2, 14, minute)));
    expect(stallReason([quota(30), quota(0), quota(45)])).toBe('3 × quota (until 2026-11-02T14:00Z)');
    const limits = [
      decline('quota', 'session limit', wallMs(Date.UTC(2026, 10, 2))),
      decline('quota', 'session limit'),
    ];
    expect(stallReason(limits)).toBe('2 × quota (session limit, until 2026-11-02T00:00Z)');
  });

  it('says so when nobody answered', () => {
    expect(stallReason([])).toBe('no peer has answered');
  });

  it('keeps when a reason ends apart from its words', () => {
    const quota = decline('quota', 'five-hour limit', wallMs(5));
    expect(describeDecline(quota)).toBe('quota (five-hour limit)');
    expect(quota.until).toBe(5);
    expect(describeDecline(decline('draining'))).toBe('draining');
  });
});
