import { describe, expect, it } from 'vitest';
import { Proposer } from '../../../src/election/proposer.ts';
import type { Now } from '../../../src/protocol/ids.ts';
import { initialState } from '../../../src/protocol/state.ts';
import {
  accepted,
  anna,
  at,
  ballot,
  bert,
  carl,
  electors,
  generation,
  leaseMs,
  owner,
  promise,
  register,
  stateOf,
  task,
  version,
} from './support.ts';

const proposerOf = (incarnation = 1): Proposer => new Proposer(register, owner(anna, incarnation), leaseMs);

/** Prepared at 0, promised by two, accepted by two at `ackedAt`. */
function leader(ackedAt: Now = at(10)): Proposer {
  const proposer = proposerOf();
  proposer.prepare(at(0));
  proposer.onPromise(anna, promise(ballot(1)), at(1));
  proposer.onPromise(bert, promise(ballot(1)), at(2));
  proposer.onAccepted(anna, accepted(version(ballot(1), 0)), ackedAt);
  proposer.onAccepted(bert, accepted(version(ballot(1), 0)), ackedAt);
  return proposer;
}

describe('P1, prepare', () => {
  it('chooses a round above any it has seen, of its own incarnation', () => {
    const proposer = proposerOf(3);
    proposer.noteRound(6);
    const sent = proposer.prepare(at(0));
    expect(sent.map(({ to }) => to)).toEqual(electors);
    expect(sent[0]?.message).toMatchObject({ type: 'prepare', ballot: ballot(7, anna, 3) });
  });

  it('writes nothing at a lower ballot once it has begun: it no longer leads', () => {
    const proposer = leader();
    proposer.prepare(at(20));
    expect(proposer.isLeader(at(21))).toBe(false);
    expect(() => proposer.write((last) => last, at(21))).toThrow('without its lease');
  });

  it('counts its lease from before the round was sent, not from the acks', () => {
    const proposer = leader(at(leaseMs - 1));
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });
});

describe('P2, counting', () => {
  it('counts electors, never messages', () => {
    const proposer = proposerOf();
    proposer.prepare(at(0));
    proposer.onPromise(bert, promise(ballot(1)), at(1));
    expect(proposer.onPromise(bert, promise(ballot(1)), at(2)).type).toBe('nothing');
    expect(proposer.onPromise(carl, promise(ballot(1)), at(3)).type).toBe('send');
  });

  it('takes only promises of this very ballot, incarnation and all, from electors, with an open lease', () => {
    const proposer = proposerOf(2);
    proposer.prepare(at(0));
    const mine = ballot(1, anna, 2);
    proposer.onPromise(bert, promise(mine), at(1));
    const useless = [
      proposer.onPromise(carl, promise(ballot(1, anna, 1)), at(2)),
      proposer.onPromise('stranger' as typeof anna, promise(mine), at(2)),
      proposer.onPromise(carl, promise(mine, null, owner(bert)), at(2)),
      proposer.onPromise(carl, promise(mine, null, owner(anna, 1)), at(2)),
    ];
    expect(useless.map(({ type }) => type)).toEqual(useless.map(() => 'nothing'));
    expect(proposer.onPromise(carl, promise(mine, null, owner(anna, 2)), at(2)).type).toBe('send');
  });
});

describe('P3, accept', () => {
  it('adopts the value of the highest version reported, whoever made it', () => {
    const proposer = proposerOf();
    proposer.noteRound(8);
    proposer.prepare(at(0));
    const low = version(ballot(5, bert), 9);
    const high = version(ballot(6, carl), 0);
    proposer.onPromise(bert, promise(ballot(9), { version: high, valueVersion: high, value: stateOf(carl) }), at(1));
    const event = proposer.onPromise(
      carl,
      promise(ballot(9), { version: low, valueVersion: low, value: stateOf(bert) }),
      at(2),
    );
    if (event.type !== 'send') throw new Error(event.type);
    expect(event.messages.map(({ to }) => to)).toEqual(electors);
    expect(event.messages[0]?.message).toMatchObject({ version: version(ballot(9), 0), value: stateOf(carl) });
  });

  it('begins with the initial state where nothing was accepted', () => {
    expect(leader().committed?.value).toEqual(initialState);
  });

  it('sends nothing once its deadline has passed', () => {
    const proposer = proposerOf();
    proposer.prepare(at(0));
    proposer.onPromise(bert, promise(ballot(1)), at(1));
    expect(proposer.onPromise(carl, promise(ballot(1)), at(leaseMs)).type).toBe('nothing');
  });
});

describe('P4, owning', () => {
  it('needs distinct acks of exactly this version', () => {
    const proposer = proposerOf();
    proposer.prepare(at(0));
    proposer.onPromise(anna, promise(ballot(1)), at(1));
    proposer.onPromise(bert, promise(ballot(1)), at(1));
    const own = accepted(version(ballot(1), 0));
    proposer.onAccepted(bert, own, at(2));
    proposer.onAccepted(bert, own, at(2));
    proposer.onAccepted(carl, accepted(version(ballot(1), 1)), at(2));
    proposer.onAccepted(carl, accepted(version(ballot(1, anna, 2), 0)), at(2));
    proposer.onAccepted('stranger' as typeof anna, own, at(2));
    expect(proposer.isLeader(at(2))).toBe(false);
    expect(proposer.onAccepted(carl, own, at(3))).toMatchObject({ type: 'committed', won: true });
    expect(proposer.isLeader(at(3))).toBe(true);
  });

  it('is not had by acks that come too late', () => {
    expect(leader(at(leaseMs)).isLeader(at(leaseMs))).toBe(false);
  });

  it('ends with the stored deadline, whether or not a timer has fired', () => {
    const proposer = leader();
    expect(proposer.isLeader(at(leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('ends when the wall clock has moved by D_P, though the monotonic one stood still; never lasts longer for it', () => {
    const proposer = leader();
    expect(proposer.isLeader(at(100, leaseMs))).toBe(false);
    expect(proposer.isLeader(at(100, -leaseMs))).toBe(false);
    expect(proposer.isLeader(at(leaseMs, 0))).toBe(false);
  });
});

describe('P5, writing and renewing', () => {
  it('commits a write at a majority of acks of its own seq, and extends the lease from when it was sent', () => {
    const proposer = leader();
    const [sent] = proposer.write(() => stateOf(bert), at(1_000));
    expect(sent?.message).toMatchObject({ version: version(ballot(1), 1), value: stateOf(bert) });
    proposer.onAccepted(anna, accepted(version(ballot(1), 1)), at(1_010));
    expect(proposer.committed?.value).toEqual(initialState);
    proposer.onAccepted(bert, accepted(version(ballot(1), 1)), at(1_010));
    expect(proposer.committed?.value).toEqual(stateOf(bert));
    expect(proposer.isLeader(at(1_000 + leaseMs - 1))).toBe(true);
  });

  it('extends nothing by a round that failed: the deadline held and the one in flight are two', () => {
    const proposer = leader();
    proposer.renew(at(3_000));
    proposer.onAccepted(anna, accepted(version(ballot(1), 1)), at(3_010));
    expect(proposer.isLeader(at(leaseMs))).toBe(false);
  });

  it('keeps the first deadline of a version that is sent again', () => {
    const proposer = leader();
    proposer.renew(at(1_000));
    const own = version(ballot(1), 1);
    const need = {
      type: 'accept-reject',
      task,
      generation,
      version: own,
      reason: 'need-value',
      promised: null,
    } as const;
    const event = proposer.onAcceptReject(carl, need);
    if (event.type !== 'send') throw new Error(event.type);
    expect(event.messages).toHaveLength(1);
    expect(event.messages[0]).toMatchObject({ to: carl, message: { version: own, value: initialState } });
    proposer.onAccepted(anna, accepted(own), at(3_000));
    proposer.onAccepted(carl, accepted(own), at(3_000));
    expect(proposer.isLeader(at(1_000 + leaseMs - 1))).toBe(true);
    expect(proposer.isLeader(at(1_000 + leaseMs))).toBe(false);
  });

  it('computes a write from the last value sent, committed or not', () => {
    const proposer = leader();
    proposer.write(() => stateOf(bert), at(100));
    let base = initialState;
    const [sent] = proposer.write((last) => {
      base = last;
      return { ...last, failures: 1 };
    }, at(200));
    expect(base).toEqual(stateOf(bert));
    expect(sent?.message).toMatchObject({ version: version(ballot(1), 2) });
  });

  it('renews by versions only, and a renewal’s acks commit the value that it stands for', () => {
    const proposer = leader();
    proposer.write(() => stateOf(bert), at(100));
    const [sent] = proposer.renew(at(200));
    expect(sent?.message).toMatchObject({
      version: version(ballot(1), 2),
      valueVersion: version(ballot(1), 1),
      value: null,
    });
    for (const elector of [anna, carl]) proposer.onAccepted(elector, accepted(version(ballot(1), 2)), at(210));
    expect(proposer.committed?.value).toEqual(stateOf(bert));
    expect(proposer.writing).toBe(false);
  });

  it('gives the ballot up when no majority is left, not for a minority bound to an earlier leader', () => {
    const proposer = leader();
    proposer.renew(at(1_000));
    const own = version(ballot(1), 1);
    const reject = {
      type: 'accept-reject',
      task,
      generation,
      version: own,
      reason: 'promised',
      promised: ballot(6, bert),
    } as const;
    expect(proposer.onAcceptReject(bert, reject).type).toBe('nothing');
    expect(proposer.onAcceptReject(bert, reject).type).toBe('nothing');
    expect(proposer.onAcceptReject(carl, reject).type).toBe('rejected');
    expect(proposer.isLeader(at(1_001))).toBe(false);
    expect(proposer.prepare(at(1_002))[0]?.message).toMatchObject({ ballot: ballot(7) });
  });
});

describe('P6, release', () => {
  it('has stopped leading before the release is sent, and never uses the ballot again', () => {
    const proposer = leader();
    const sent = proposer.release();
    expect(sent.map(({ message }) => message)).toEqual(
      electors.map(() => ({ type: 'release', task, generation, ballot: ballot(1) })),
    );
    expect(proposer.isLeader(at(20))).toBe(false);
    expect(() => proposer.write((last) => last, at(20))).toThrow('without its lease');
    proposer.onAccepted(carl, accepted(version(ballot(1), 0)), at(21));
    expect(proposer.isLeader(at(21))).toBe(false);
    expect(proposer.prepare(at(22))[0]?.message).toMatchObject({ ballot: ballot(2) });
  });
});
