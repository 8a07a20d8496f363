import { describe, expect, it } from 'vitest';
import { newAcceptor, onAccept, onPrepare, onRelease, restartAcceptor } from '../../src/election/acceptor.ts';
import { monoMs } from '../../src/protocol/ids.ts';
import { defaultTiming } from '../../src/protocol/timing.ts';
import {
  acceptedOf,
  acceptOf,
  ackOf,
  ada,
  at,
  ballotOf,
  bob,
  candidate,
  cyd,
  electorLeaseMs,
  holding,
  leader,
  leaseMs,
  markOf,
  prepared,
  prepareOf,
  promiseOf,
  three,
  valueOf,
  versionOf,
} from './support.ts';

/** Each of these, made alone, gives a task two leaders or loses a committed write. */
describe('a mistake that would break the lease:', () => {
  it('the in-flight deadline set at the ack quorum', () => {
    const proposer = candidate();
    const ballot = prepared(proposer, at(0));
    for (const elector of three) proposer.onPromise(elector, promiseOf(ballot), at(3_000));
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot)), at(3_500));
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('promises counted instead of electors', () => {
    const proposer = candidate();
    const ballot = prepared(proposer, at(0));
    const events = [1, 2, 3].map((now) => proposer.onPromise(ada, promiseOf(ballot), at(now)).type);
    expect(events).toEqual(['nothing', 'nothing', 'nothing']);
  });

  it('acks counted instead of electors', () => {
    const proposer = candidate();
    const ballot = prepared(proposer, at(0));
    for (const elector of three) proposer.onPromise(elector, promiseOf(ballot), at(0));
    for (const now of [1, 2, 3]) proposer.onAccepted(ada, ackOf(versionOf(ballot)), at(now));
    expect(proposer.isLeader(at(3))).toBe(false);
  });

  it('rejections counted instead of electors', () => {
    const { proposer, ballot } = leader();
    proposer.renew(at(1));
    const rejected = { type: 'accept-reject', version: versionOf(ballot, 1), reason: 'held', promised: null } as const;
    for (let copy = 0; copy < 3; copy += 1)
      proposer.onAcceptReject(cyd, { ...rejected, task: acceptOf(rejected.version, '').task });
    expect(proposer.isLeader(at(1))).toBe(true);
  });

  it('a value dropped when its lease has expired', () => {
    const expired = holding(acceptedOf(versionOf(ballotOf(1, bob), 4), 'committed'), 0);
    const proposer = candidate();
    proposer.noteRound(1);
    const ballot = prepared(proposer, at(0));
    for (const elector of [bob, cyd]) {
      const { reply } = onPrepare(expired, prepareOf(ballot), monoMs(electorLeaseMs + 60_000));
      if (reply.type !== 'promise') throw new Error(reply.type);
      proposer.onPromise(elector, reply, at(1));
    }
    expect(markOf(proposer.latest)).toBe('committed');
  });

  it('a value dropped when its lease was released', () => {
    const released = onRelease(holding(acceptedOf(versionOf(ballotOf(1, bob)), 'committed'), 0), ballotOf(1, bob));
    expect(onPrepare(released, prepareOf(ballotOf(2)), monoMs(1)).reply).toMatchObject({
      type: 'promise',
      accepted: acceptedOf(versionOf(ballotOf(1, bob)), 'committed'),
    });
  });

  it('a promise lost on restart', () => {
    const { state, durable } = onPrepare(newAcceptor, prepareOf(ballotOf(2, bob)), monoMs(0));
    expect(durable).toBe(true);
    const restarted = restartAcceptor(state, monoMs(0), electorLeaseMs);
    const lower = onAccept(restarted, acceptOf(versionOf(ballotOf(1)), 'x'), monoMs(1), electorLeaseMs);
    expect(lower.reply).toMatchObject({ type: 'accept-reject', reason: 'promised' });
  });

  it('an accepted value lost on restart', () => {
    const { state, durable } = onAccept(newAcceptor, acceptOf(versionOf(ballotOf(1)), 'x'), monoMs(0), electorLeaseMs);
    expect(durable).toBe(true);
    const restarted = restartAcceptor(state, monoMs(0), electorLeaseMs);
    expect(restarted.accepted).toEqual(acceptedOf(versionOf(ballotOf(1)), 'x'));
  });

  it('no re-arming after a restart', () => {
    const stored = { promised: ballotOf(1), accepted: acceptedOf(versionOf(ballotOf(1)), 'x') };
    const restarted = restartAcceptor(stored, monoMs(0), electorLeaseMs);
    const competitor = onPrepare(restarted, prepareOf(ballotOf(2, bob)), monoMs(electorLeaseMs - 1));
    expect(competitor.reply.type).toBe('prepare-reject');
  });

  it('belief ended by a timer: it ends by itself, though nobody told the proposer', () => {
    const { proposer } = leader();
    expect(proposer.idle).toBe(false);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
    expect(() => proposer.write(() => valueOf('late'), at(leaseMs))).toThrow('bug');
  });

  it("the proposer's lease longer than the elector's, or a slow clock without the margin of 10 %", () => {
    const driftMax = 1.1;
    expect(Math.round(defaultTiming.leaseMs * driftMax)).toBeLessThanOrEqual(defaultTiming.electorLeaseMs);
    const { state } = onAccept(newAcceptor, acceptOf(versionOf(ballotOf(1)), 'x'), monoMs(0), electorLeaseMs);
    const { proposer } = leader(at(0));
    // By true time t the proposer's slow clock shows t / 1.1 and the elector's shows t.
    for (let trueMs = 0; trueMs < 2 * electorLeaseMs; trueMs += 10) {
      const believes = proposer.isLeader(at(trueMs / driftMax));
      const open = onPrepare(state, prepareOf(ballotOf(2, bob)), monoMs(trueMs)).reply.type === 'promise';
      expect(believes && open, `after ${trueMs} ms`).toBe(false);
    }
  });

  it('a version resent with a new deadline', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(1_000));
    proposer.pending();
    proposer.onAcceptReject(bob, {
      type: 'accept-reject',
      task: acceptOf(versionOf(ballot, 1), '').task,
      version: versionOf(ballot, 1),
      reason: 'need-value',
      promised: null,
    });
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 1)), at(3_500));
    expect(proposer.isLeader(at(1_000 + leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(1_000 + leaseMs))).toBe(false);
  });

  it('a repeated accept that extends the lease only at the elector asked first', () => {
    const first = onAccept(newAcceptor, acceptOf(versionOf(ballotOf(1)), 'x'), monoMs(0), electorLeaseMs);
    const again = onAccept(first.state, acceptOf(versionOf(ballotOf(1)), 'x'), monoMs(4_000), electorLeaseMs);
    const competitor = onPrepare(again.state, prepareOf(ballotOf(2, bob)), monoMs(electorLeaseMs));
    expect(competitor.reply.type).toBe('promise');
  });

  it('a write built from the last committed value while one is unanswered', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(100));
    proposer.write((last) => valueOf(`${markOf(last)}, b`), at(200));
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 2)), at(300));
    expect(markOf(proposer.committed?.value)).toBe('a, b');
  });

  it('one seq for two writes', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(100));
    proposer.write(() => valueOf('b'), at(200));
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 1)), at(300));
    expect(markOf(proposer.committed?.value)).toBeNull();
    expect(proposer.writing).toBe(true);
  });

  it('one variable for both deadlines', () => {
    const { proposer } = leader();
    proposer.write(() => valueOf('a'), at(2_000));
    proposer.renew(at(3_000));
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('a write at a released ballot', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(100));
    proposer.release();
    expect(() => proposer.write(() => valueOf('b'), at(200))).toThrow('bug');
    expect(() => proposer.renew(at(200))).toThrow('bug');
    expect(proposer.pending()).toEqual([]);
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 1)), at(200));
    expect(proposer.isLeader(at(200))).toBe(false);
    expect(prepared(proposer, at(300)).round).toBeGreaterThan(ballot.round);
  });

  it('the incarnation missing from the ballot: the first ballot of a restarted peer is not that of the run before', () => {
    const [before, after] = [1, 2].map((incarnation) => prepared(candidate(three, incarnation), at(0)));
    if (before === undefined || after === undefined) throw new Error('no ballots');
    const { state } = onAccept(newAcceptor, acceptOf(versionOf(before), 'before'), monoMs(0), electorLeaseMs);
    const step = onAccept(state, acceptOf(versionOf(after), 'after'), monoMs(electorLeaseMs), electorLeaseMs);
    expect(markOf(step.state.accepted?.value)).toBe('after');
    expect(step.reply).toEqual(ackOf(versionOf(after)));
  });

  it('the incarnation missing from the matching of replies: those to the run before count for nothing', () => {
    const before = ballotOf(1, ada, 1);
    const proposer = candidate(three, 2);
    const ballot = prepared(proposer, at(0));
    const promises = three.map((elector) => proposer.onPromise(elector, promiseOf(before), at(1)).type);
    expect(promises).toEqual(['nothing', 'nothing', 'nothing']);
    for (const elector of three) proposer.onPromise(elector, promiseOf(ballot), at(1));
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(before)), at(1));
    expect(proposer.isLeader(at(1))).toBe(false);
  });

  it('one undetected sleep: the monotonic clock stood still, the wall clock did not', () => {
    const { proposer, ballot } = leader();
    proposer.renew(at(500));
    const woken = at(501, 500 + leaseMs);
    expect(proposer.isLeader(woken)).toBe(false);
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 1)), woken);
    expect(proposer.isLeader(woken)).toBe(false);
  });
});
