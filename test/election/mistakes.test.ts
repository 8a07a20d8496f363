import { describe, expect, it } from 'vitest';
import { newAcceptor, onAccept, onPrepare, onRelease, restartAcceptor } from '../../src/election/acceptor.ts';
import { Proposer } from '../../src/election/proposer.ts';
import type { Ballot, Version } from '../../src/protocol/ballot.ts';
import type { Now } from '../../src/protocol/ids.ts';
import type { Accepted, MessageOf } from '../../src/protocol/messages.ts';
import { initialState, type TaskState } from '../../src/protocol/state.ts';
import { defaultTiming } from '../../src/protocol/timing.ts';
import {
  accept,
  accepted,
  anna,
  at,
  ballot,
  bert,
  carl,
  electorLeaseMs,
  electors,
  generation,
  holding,
  leaseMs,
  mono,
  owner,
  prepare,
  promise,
  register,
  task,
  version,
} from './rules/support.ts';

/** A state that can be told from every other: fields that this version does not know are kept. */
const marked = (mark: string): TaskState => ({ ...initialState, mark });
const markOf = (state: TaskState | undefined): unknown => state?.mark ?? null;

const stored = (of: Version, mark: string): Accepted => ({ version: of, valueVersion: of, value: marked(mark) });

const candidate = (incarnation = 1, beliefMs = leaseMs): Proposer =>
  new Proposer(register, owner(anna, incarnation), beliefMs);

/** The ballot that it has just begun. */
function prepared(proposer: Proposer, now: Now): Ballot {
  proposer.prepare(now);
  if (proposer.ballot === null) throw new Error('it has no ballot');
  return proposer.ballot;
}

/** Prepared and acknowledged at 0. */
function leader(beliefMs = leaseMs): { proposer: Proposer; own: Ballot } {
  const proposer = candidate(1, beliefMs);
  const own = prepared(proposer, at(0));
  for (const elector of electors) proposer.onPromise(elector, promise(own), at(0));
  for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 0)), at(0));
  if (!proposer.isLeader(at(0))) throw new Error('it does not lead');
  return { proposer, own };
}

const rejection = (of: Version, reason: MessageOf<'accept-reject'>['reason']): MessageOf<'accept-reject'> => ({
  type: 'accept-reject',
  task,
  generation,
  version: of,
  reason,
  promised: null,
});

/** Each of these, made alone, gives a task two leaders or loses a committed write. */
describe('a mistake that breaks the lease when it is made:', () => {
  it('the in-flight deadline set at the ack quorum', () => {
    const proposer = candidate();
    const own = prepared(proposer, at(0));
    for (const elector of electors) proposer.onPromise(elector, promise(own), at(3_000));
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 0)), at(3_500));
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('promises counted instead of electors', () => {
    const proposer = candidate();
    const own = prepared(proposer, at(0));
    const events = [1, 2, 3].map((now) => proposer.onPromise(anna, promise(own), at(now)).type);
    expect(events).toEqual(['nothing', 'nothing', 'nothing']);
  });

  it('acks counted instead of electors', () => {
    const proposer = candidate();
    const own = prepared(proposer, at(0));
    for (const elector of electors) proposer.onPromise(elector, promise(own), at(0));
    for (const now of [1, 2, 3]) proposer.onAccepted(anna, accepted(version(own, 0)), at(now));
    expect(proposer.isLeader(at(3))).toBe(false);
  });

  it('rejections counted instead of electors', () => {
    const { proposer, own } = leader();
    proposer.renew(at(1));
    const rejected = rejection(version(own, 1), 'held');
    for (let copy = 0; copy < 3; copy += 1) proposer.onAcceptReject(carl, rejected);
    expect(proposer.isLeader(at(1))).toBe(true);
  });

  it('a value dropped when its lease has expired', () => {
    const expired = holding(version(ballot(1, bert), 4), marked('committed'));
    const proposer = candidate();
    proposer.noteRound(1);
    const own = prepared(proposer, at(0));
    for (const elector of [bert, carl]) {
      const { reply } = onPrepare(expired, prepare(own), mono(electorLeaseMs + 60_000));
      if (reply.type !== 'promise') throw new Error(reply.type);
      proposer.onPromise(elector, reply, at(1));
    }
    expect(markOf(proposer.latest)).toBe('committed');
  });

  it('a value dropped when its lease was released', () => {
    const released = onRelease(holding(version(ballot(1, bert), 0), marked('committed')), ballot(1, bert));
    expect(onPrepare(released, prepare(ballot(2)), mono(1)).reply).toMatchObject({
      type: 'promise',
      accepted: stored(version(ballot(1, bert), 0), 'committed'),
    });
  });

  it('a promise lost on restart', () => {
    const { state, durable } = onPrepare(newAcceptor, prepare(ballot(2, bert)), mono(0));
    expect(durable).toBe(true);
    const restarted = restartAcceptor(state, mono(0), electorLeaseMs);
    const lower = onAccept(restarted, accept(version(ballot(1), 0), marked('x')), mono(1), electorLeaseMs);
    expect(lower.reply).toMatchObject({ type: 'accept-reject', reason: 'promised' });
  });

  it('an accepted value lost on restart', () => {
    const { state, durable } = onAccept(
      newAcceptor,
      accept(version(ballot(1), 0), marked('x')),
      mono(0),
      electorLeaseMs,
    );
    expect(durable).toBe(true);
    const restarted = restartAcceptor(state, mono(0), electorLeaseMs);
    expect(restarted.accepted).toEqual(stored(version(ballot(1), 0), 'x'));
  });

  it('no re-arming after a restart', () => {
    const { promised, accepted } = holding(version(ballot(1), 0));
    const restarted = restartAcceptor({ promised, accepted }, mono(0), electorLeaseMs);
    const competitor = onPrepare(restarted, prepare(ballot(2, bert)), mono(electorLeaseMs - 1));
    expect(competitor.reply.type).toBe('prepare-reject');
  });

  it('belief ended by a timer: it ends by itself, though nobody told the proposer', () => {
    const { proposer } = leader();
    expect(proposer.idle).toBe(false);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
    expect(() => proposer.write(() => marked('late'), at(leaseMs))).toThrow('bug');
  });

  it("the proposer's lease longer than the elector's, or a slow clock without the margin of 10 %", () => {
    const driftMax = 1.1;
    const timing = defaultTiming;
    const own = ballot(1);
    const { state } = onAccept(newAcceptor, accept(version(own, 0)), mono(0), timing.electorLeaseMs);
    const { proposer } = leader(timing.leaseMs);
    // By true time t the proposer's slow clock shows t / 1.1 and the elector's shows t.
    for (let trueMs = 0; trueMs < 2 * timing.electorLeaseMs; trueMs += 10) {
      const believes = proposer.isLeader(at(trueMs / driftMax));
      const open = onPrepare(state, prepare(ballot(2, bert)), mono(trueMs)).reply.type === 'promise';
      expect(believes && open, `after ${trueMs} ms`).toBe(false);
    }
  });

  it.each<[string, (proposer: Proposer, own: Ballot) => unknown]>([
    ['unasked', (proposer) => proposer.pending()],
    [
      'to one that lacks it',
      (proposer, own) => proposer.onAcceptReject(bert, rejection(version(own, 1), 'need-value')),
    ],
  ])('a version resent with a new deadline, %s', (_, resend) => {
    const { proposer, own } = leader();
    proposer.write(() => marked('a'), at(1_000));
    resend(proposer, own);
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 1)), at(3_500));
    // The wall clock stands still, so that the monotonic deadline alone decides.
    expect(proposer.isLeader(at(1_000 + leaseMs - 1, 1_000))).toBe(true);
    expect(proposer.isLeader(at(1_000 + leaseMs, 1_000))).toBe(false);
  });

  it('a repeated accept that extends the lease', () => {
    const first = onAccept(newAcceptor, accept(version(ballot(1), 0), marked('x')), mono(0), electorLeaseMs);
    const again = onAccept(first.state, accept(version(ballot(1), 0), marked('x')), mono(4_000), electorLeaseMs);
    const competitor = onPrepare(again.state, prepare(ballot(2, bert)), mono(electorLeaseMs));
    expect(competitor.reply.type).toBe('promise');
  });

  it('a write built from the last committed value while one is unanswered', () => {
    const { proposer, own } = leader();
    proposer.write(() => marked('a'), at(100));
    proposer.write((last) => marked(`${markOf(last)}, b`), at(200));
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 2)), at(300));
    expect(markOf(proposer.committed?.value)).toBe('a, b');
  });

  it('one seq for two writes', () => {
    const { proposer, own } = leader();
    proposer.write(() => marked('a'), at(100));
    proposer.write(() => marked('b'), at(200));
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 1)), at(300));
    expect(markOf(proposer.committed?.value)).toBeNull();
    expect(proposer.writing).toBe(true);
  });

  it('one variable for both deadlines', () => {
    const { proposer } = leader();
    proposer.write(() => marked('a'), at(2_000));
    proposer.renew(at(3_000));
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('acks of a lower ballot counted after a new one has begun', () => {
    const { proposer, own } = leader();
    proposer.write(() => marked('a'), at(100));
    proposer.prepare(at(200));
    const events = electors.map((elector) => proposer.onAccepted(elector, accepted(version(own, 1)), at(300)).type);
    expect(events).toEqual(['nothing', 'nothing', 'nothing']);
    expect(proposer.isLeader(at(300))).toBe(false);
  });

  it('a write at a released ballot', () => {
    const { proposer, own } = leader();
    proposer.write(() => marked('a'), at(100));
    proposer.release();
    expect(() => proposer.write(() => marked('b'), at(200))).toThrow('bug');
    expect(() => proposer.renew(at(200))).toThrow('bug');
    expect(proposer.pending()).toEqual([]);
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 1)), at(200));
    expect(proposer.isLeader(at(200))).toBe(false);
    expect(prepared(proposer, at(300)).round).toBeGreaterThan(own.round);
  });

  it('the incarnation missing from the ballot: the first ballot of a restarted peer is not that of the run before', () => {
    const [before, after] = [1, 2].map((incarnation) => prepared(candidate(incarnation), at(0)));
    if (before === undefined || after === undefined) throw new Error('no ballots');
    const { state } = onAccept(newAcceptor, accept(version(before, 0), marked('before')), mono(0), electorLeaseMs);
    const step = onAccept(state, accept(version(after, 0), marked('after')), mono(electorLeaseMs), electorLeaseMs);
    expect(markOf(step.state.accepted?.value)).toBe('after');
    expect(step.reply).toEqual(accepted(version(after, 0)));
  });

  it('the incarnation missing from the matching of replies: those to the run before count for nothing', () => {
    const before = ballot(1, anna, 1);
    const proposer = candidate(2);
    const own = prepared(proposer, at(0));
    const promises = electors.map((elector) => proposer.onPromise(elector, promise(before), at(1)).type);
    expect(promises).toEqual(['nothing', 'nothing', 'nothing']);
    for (const elector of electors) proposer.onPromise(elector, promise(own), at(1));
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(before, 0)), at(1));
    expect(proposer.isLeader(at(1))).toBe(false);
  });

  it('one undetected sleep: the monotonic clock stood still, the wall clock did not', () => {
    const { proposer, own } = leader();
    proposer.renew(at(500));
    const woken = at(501, 500 + leaseMs);
    expect(proposer.isLeader(woken)).toBe(false);
    for (const elector of electors) proposer.onAccepted(elector, accepted(version(own, 1)), woken);
    expect(proposer.isLeader(woken)).toBe(false);
  });
});
