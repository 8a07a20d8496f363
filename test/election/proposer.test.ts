import { describe, expect, it } from 'vitest';
import { initialState } from '../../src/protocol/state.ts';
import {
  acceptedOf,
  acceptRejectOf,
  ackOf,
  ada,
  at,
  ballotOf,
  bob,
  candidate,
  cyd,
  dan,
  eve,
  leader,
  leaseMs,
  markOf,
  prepared,
  promiseOf,
  sentToAll,
  task,
  three,
  valueOf,
  versionOf,
} from './support.ts';

const five = [ada, bob, cyd, dan, eve];
const rejectOf = (ballot = ballotOf(1), promised = ballotOf(7, bob)) =>
  ({ type: 'prepare-reject', task, ballot, holder: null, promised }) as const;

describe('P1: prepare', () => {
  it('asks every elector at a fresh ballot', () => {
    const { to, message } = sentToAll(candidate().prepare(at(0)));
    expect(to).toEqual(three);
    expect(message).toEqual({ type: 'prepare', task, ballot: ballotOf(1) });
  });

  it('chooses a round above any that it has seen', () => {
    const proposer = candidate();
    proposer.noteRound(4);
    expect(prepared(proposer, at(0)).round).toBe(5);
    proposer.onPrepareReject(bob, rejectOf(ballotOf(5)));
    expect(prepared(proposer, at(1)).round).toBe(8);
    proposer.noteRound(2);
    expect(prepared(proposer, at(2)).round).toBe(9);
  });

  it('gives up what it held: from then on nothing is written at a lower ballot', () => {
    const { proposer } = leader();
    proposer.prepare(at(100));
    expect(proposer.isLeader(at(100))).toBe(false);
    expect(() => proposer.write(() => valueOf('late'), at(100))).toThrow('bug');
    expect(() => proposer.renew(at(100))).toThrow('bug');
  });
});

describe('P2: count', () => {
  it.each([
    [[ada], 1],
    [[ada, bob], 2],
    [three, 2],
    [five, 3],
  ])('goes on at a majority of %o', (electors, majority) => {
    const proposer = candidate(electors);
    const ballot = prepared(proposer, at(0));
    const events = electors.map((elector) => proposer.onPromise(elector, promiseOf(ballot), at(1)).type);
    expect(events.indexOf('send')).toBe(majority - 1);
    expect(events.filter((type) => type === 'send')).toHaveLength(1);
  });

  it('does not count a promise of another ballot, or one by a stranger', () => {
    const proposer = candidate();
    const first = prepared(proposer, at(0));
    const ballot = prepared(proposer, at(1));
    proposer.onPromise(ada, promiseOf(ballot), at(2));
    expect(proposer.onPromise(bob, promiseOf(first), at(2)).type).toBe('nothing');
    expect(proposer.onPromise(dan, promiseOf(ballot), at(2)).type).toBe('nothing');
    expect(proposer.onPromise(bob, promiseOf(ballot), at(2)).type).toBe('send');
  });

  it('counts an elector as open when its live lease is of the same peer and incarnation only', () => {
    const proposer = candidate([ada], 2);
    const ballot = prepared(proposer, at(0));
    const promise = (lease: { peer: typeof ada; incarnation: number }) => ({ ...promiseOf(ballot), lease });
    expect(proposer.onPromise(ada, promise({ peer: bob, incarnation: 2 }), at(1)).type).toBe('nothing');
    expect(proposer.onPromise(ada, promise({ peer: ada, incarnation: 1 }), at(1)).type).toBe('nothing');
    expect(proposer.onPromise(ada, promise({ peer: ada, incarnation: 2 }), at(1)).type).toBe('send');
  });

  it('is idle again when no majority can promise any more, and not before', () => {
    const proposer = candidate();
    const ballot = prepared(proposer, at(0));
    expect(proposer.onPrepareReject(bob, rejectOf(ballot)).type).toBe('nothing');
    expect(proposer.onPrepareReject(bob, rejectOf(ballot)).type).toBe('nothing');
    expect(proposer.onPrepareReject(dan, rejectOf(ballot)).type).toBe('nothing');
    expect(proposer.onPrepareReject(cyd, rejectOf(ballot)).type).toBe('rejected');
    expect(proposer.idle).toBe(true);
  });
});

describe('P3: accept', () => {
  const preparing = () => {
    const proposer = candidate();
    proposer.noteRound(9);
    return { proposer, ballot: prepared(proposer, at(0)) };
  };

  it('proposes the initial state where nothing was accepted, at seq 0', () => {
    const { proposer, ballot } = preparing();
    proposer.onPromise(ada, promiseOf(ballot), at(1));
    const { to, message } = sentToAll(proposer.onPromise(bob, promiseOf(ballot), at(1)));
    expect(to).toEqual(three);
    const version = versionOf(ballot);
    expect(message).toEqual({ type: 'accept', task, version, valueVersion: version, value: initialState });
  });

  it.each([
    ['the higher ballot', versionOf(ballotOf(2, bob), 0), versionOf(ballotOf(1), 8)],
    ['the higher seq of one ballot', versionOf(ballotOf(2), 3), versionOf(ballotOf(2), 2)],
  ])('proposes the value of %s, whichever comes first', (_, higher, lower) => {
    const reports = [acceptedOf(higher, 'latest'), acceptedOf(lower, 'older')];
    for (const [first, second] of [reports, reports.toReversed()]) {
      const { proposer, ballot } = preparing();
      proposer.onPromise(cyd, promiseOf(ballot, first ?? null), at(1));
      const { message } = sentToAll(proposer.onPromise(bob, promiseOf(ballot, second ?? null), at(1)));
      expect(message).toMatchObject({ version: versionOf(ballot), valueVersion: versionOf(ballot) });
      expect(markOf(proposer.latest)).toBe('latest');
    }
  });

  it('ranks an accepted value above none', () => {
    const { proposer, ballot } = preparing();
    proposer.onPromise(cyd, promiseOf(ballot, acceptedOf(versionOf(ballotOf(1)), 'some')), at(1));
    proposer.onPromise(bob, promiseOf(ballot), at(1));
    expect(markOf(proposer.latest)).toBe('some');
  });

  it('does nothing after its in-flight deadline', () => {
    const { proposer, ballot } = preparing();
    proposer.onPromise(ada, promiseOf(ballot), at(1));
    expect(proposer.onPromise(bob, promiseOf(ballot), at(leaseMs)).type).toBe('nothing');
  });
});

describe('P4: own', () => {
  const accepting = (electors: readonly (typeof ada)[] = three) => {
    const proposer = candidate(electors);
    const ballot = prepared(proposer, at(0));
    for (const elector of electors) proposer.onPromise(elector, promiseOf(ballot), at(0));
    return { proposer, version: versionOf(ballot) };
  };

  it('leads from a majority of acks on, until D_P after the prepare', () => {
    const { proposer, version } = accepting();
    expect(proposer.onAccepted(ada, ackOf(version), at(10)).type).toBe('nothing');
    expect(proposer.isLeader(at(10))).toBe(false);
    expect(proposer.onAccepted(bob, ackOf(version), at(20))).toMatchObject({ type: 'committed', won: true });
    expect(proposer.isLeader(at(20))).toBe(true);
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('counts acks of exactly its version, by electors', () => {
    const { proposer, version } = accepting();
    proposer.onAccepted(ada, ackOf(version), at(1));
    for (const other of [versionOf(version.ballot, 1), versionOf(ballotOf(2)), versionOf(ballotOf(1, bob))]) {
      expect(proposer.onAccepted(bob, ackOf(other), at(1)).type).toBe('nothing');
    }
    expect(proposer.onAccepted(dan, ackOf(version), at(1)).type).toBe('nothing');
    expect(proposer.isLeader(at(1))).toBe(false);
  });

  it('needs three of five', () => {
    const { proposer, version } = accepting(five);
    const types = five.map((elector) => proposer.onAccepted(elector, ackOf(version), at(1)).type);
    expect(types).toEqual(['nothing', 'nothing', 'committed', 'nothing', 'nothing']);
  });

  it('is not won by acks that come at the deadline', () => {
    const { proposer, version } = accepting();
    proposer.onAccepted(ada, ackOf(version), at(1));
    expect(proposer.onAccepted(bob, ackOf(version), at(leaseMs)).type).toBe('nothing');
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it.each([
    ['forward', 1],
    ['backward', -1],
  ])('ends when the wall clock has gone %s by D_P, though the monotonic one has not', (_, direction) => {
    const { proposer } = leader();
    expect(proposer.isLeader(at(1, direction * (leaseMs - 1)))).toBe(true);
    expect(proposer.isLeader(at(1, direction * leaseMs))).toBe(false);
    expect(() => proposer.write(() => valueOf('late'), at(1, direction * leaseMs))).toThrow('bug');
  });

  it('is never extended by a wall clock that stands still', () => {
    expect(leader().proposer.isLeader(at(leaseMs, 0))).toBe(false);
  });
});

describe('P5: write, renew', () => {
  it('writes at the next seq, with the value, to all', () => {
    const { proposer, ballot } = leader();
    const { to, message } = sentToAll(proposer.write(() => valueOf('a'), at(100)));
    const version = versionOf(ballot, 1);
    expect(to).toEqual(three);
    expect(message).toEqual({ type: 'accept', task, version, valueVersion: version, value: valueOf('a') });
    expect(proposer.writing).toBe(true);
  });

  it('commits at a majority of acks and extends the lease from when the write was sent', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(1_000));
    proposer.onAccepted(ada, ackOf(versionOf(ballot, 1)), at(1_500));
    expect(markOf(proposer.committed?.value)).toBeNull();
    const event = proposer.onAccepted(cyd, ackOf(versionOf(ballot, 1)), at(1_500));
    expect(event).toMatchObject({ type: 'committed', won: false, committed: { value: valueOf('a') } });
    expect(proposer.writing).toBe(false);
    expect(proposer.isLeader(at(1_000 + leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(1_000 + leaseMs))).toBe(false);
  });

  it('renews by versions alone, keeping the version of the value', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(0));
    for (const elector of three) proposer.onAccepted(elector, ackOf(versionOf(ballot, 1)), at(0));
    const { message } = sentToAll(proposer.renew(at(1_000)));
    expect(message).toEqual({
      type: 'accept',
      task,
      version: versionOf(ballot, 2),
      valueVersion: versionOf(ballot, 1),
      value: null,
    });
    expect(proposer.writing).toBe(false);
    proposer.onAccepted(ada, ackOf(versionOf(ballot, 2)), at(1_001));
    proposer.onAccepted(bob, ackOf(versionOf(ballot, 2)), at(1_001));
    expect(proposer.isLeader(at(1_000 + leaseMs - 1))).toBe(true);
    expect(markOf(proposer.committed?.value)).toBe('a');
  });

  it('commits an unanswered write with the renewal that follows it', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(0));
    proposer.renew(at(1_000));
    expect(proposer.writing).toBe(true);
    proposer.onAccepted(ada, ackOf(versionOf(ballot, 2)), at(1_001));
    proposer.onAccepted(bob, ackOf(versionOf(ballot, 2)), at(1_001));
    expect(proposer.writing).toBe(false);
    expect(markOf(proposer.committed?.value)).toBe('a');
  });

  it('sends the value, and nothing else anew, to the one elector that lacks it', () => {
    const { proposer, ballot } = leader();
    proposer.renew(at(1_000));
    const event = proposer.onAcceptReject(cyd, acceptRejectOf(versionOf(ballot, 1), 'need-value'));
    const { to, message } = sentToAll(event);
    expect(to).toEqual([cyd]);
    expect(message).toMatchObject({
      version: versionOf(ballot, 1),
      valueVersion: versionOf(ballot),
      value: initialState,
    });
  });

  it('bears a minority of rejections; when no majority is left, prepares above what it was told of', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(100));
    const rejected = acceptRejectOf(versionOf(ballot, 1), 'promised', ballotOf(6, bob));
    expect(proposer.onAcceptReject(bob, rejected).type).toBe('nothing');
    expect(proposer.isLeader(at(100))).toBe(true);
    expect(proposer.onAcceptReject(cyd, rejected).type).toBe('rejected');
    expect(proposer.isLeader(at(100))).toBe(false);
    expect(prepared(proposer, at(101))).toEqual(ballotOf(7));
    const adopted = acceptedOf(versionOf(ballotOf(6, bob)), 'of bob');
    for (const elector of [bob, cyd]) proposer.onPromise(elector, promiseOf(ballotOf(7), adopted), at(102));
    expect(markOf(proposer.latest)).toBe('of bob');
  });

  it('ignores rejections of versions that are no longer the last', () => {
    const { proposer, ballot } = leader();
    proposer.write(() => valueOf('a'), at(100));
    proposer.write(() => valueOf('b'), at(200));
    for (const elector of three) proposer.onAcceptReject(elector, acceptRejectOf(versionOf(ballot, 1), 'old'));
    expect(proposer.isLeader(at(200))).toBe(true);
  });

  it('cannot write without the lease', () => {
    const { proposer } = leader();
    expect(() => proposer.write(() => valueOf('late'), at(leaseMs))).toThrow('bug');
    expect(() => candidate().renew(at(0))).toThrow('bug');
  });
});

describe('P6: release', () => {
  it('has stopped leading when the release is sent, to all, at its ballot', () => {
    const { proposer, ballot } = leader();
    const { to, message } = sentToAll(proposer.release());
    expect(proposer.isLeader(at(0))).toBe(false);
    expect(proposer.idle).toBe(true);
    expect(to).toEqual(three);
    expect(message).toEqual({ type: 'release', task, ballot });
  });

  it('uses a higher ballot the next time', () => {
    const { proposer } = leader();
    proposer.release();
    expect(prepared(proposer, at(1))).toEqual(ballotOf(2));
  });

  it('has nothing to send while idle', () => {
    expect(candidate().release()).toEqual([]);
    expect(candidate().pending()).toEqual([]);
  });
});

describe('what is still unanswered', () => {
  it('is the prepare, then the last version with its value', () => {
    const proposer = candidate();
    const ballot = prepared(proposer, at(0));
    expect(sentToAll(proposer.pending()).message).toEqual({ type: 'prepare', task, ballot });
    for (const elector of three) proposer.onPromise(elector, promiseOf(ballot), at(0));
    expect(sentToAll(proposer.pending()).message).toMatchObject({ type: 'accept', version: versionOf(ballot) });
  });
});
