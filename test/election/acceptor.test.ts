import { describe, expect, it } from 'vitest';
import {
  type AcceptorState,
  liveLease,
  newAcceptor,
  onAccept,
  onPrepare,
  onRelease,
  restartAcceptor,
} from '../../src/election/acceptor.ts';
import { monoMs } from '../../src/protocol/ids.ts';
import {
  acceptedOf,
  acceptOf,
  ada,
  ballotOf,
  bob,
  electorLeaseMs,
  holding,
  markOf,
  prepareOf,
  task,
  valueOf,
  versionOf,
} from './support.ts';

const prepare = (state: AcceptorState, ballot = ballotOf(1), now = 0) =>
  onPrepare(state, prepareOf(ballot), monoMs(now));
const accept = (state: AcceptorState, version = versionOf(ballotOf(1)), mark = 'x', now = 0) =>
  onAccept(state, acceptOf(version, mark), monoMs(now), electorLeaseMs);
const renewal = (version = versionOf(ballotOf(1), 1), valueVersion = versionOf(ballotOf(1))) =>
  ({ type: 'accept', task, version, valueVersion, value: null }) as const;

const ofAda = acceptedOf(versionOf(ballotOf(1, ada)), 'x');

describe('A1: on prepare', () => {
  it('promises a first ballot, durably, and reports that nothing was accepted', () => {
    const { state, reply, durable } = prepare(newAcceptor);
    expect(reply).toEqual({ type: 'promise', task, ballot: ballotOf(1), accepted: null, lease: null });
    expect(state.promised).toEqual(ballotOf(1));
    expect(durable).toBe(true);
  });

  it('promises the same ballot again without another write', () => {
    const again = prepare(prepare(newAcceptor).state);
    expect(again.reply.type).toBe('promise');
    expect(again.durable).toBe(false);
  });

  it('rejects a ballot below the promised one, and says which that is', () => {
    const { state } = prepare(newAcceptor, ballotOf(2, bob));
    const lower = prepare(state, ballotOf(1));
    expect(lower.reply).toEqual({
      type: 'prepare-reject',
      task,
      ballot: ballotOf(1),
      holder: null,
      promised: ballotOf(2, bob),
    });
    expect(lower.state).toBe(state);
    expect(lower.durable).toBe(false);
  });

  it('promises nothing to a competitor of a live lease, however high its ballot', () => {
    const held = holding(ofAda, 0);
    const { state, reply } = prepare(held, ballotOf(9, bob), electorLeaseMs - 1);
    expect(reply).toMatchObject({ type: 'prepare-reject', holder: { peer: ada, incarnation: 1 } });
    expect(state).toBe(held);
    expect(accept(state, versionOf(ballotOf(1), 1), 'y').reply.type).toBe('accepted');
  });

  it('takes the holder in another incarnation for a competitor', () => {
    expect(prepare(holding(ofAda, 0), ballotOf(2, ada, 2), 1).reply).toMatchObject({
      type: 'prepare-reject',
      holder: { peer: ada, incarnation: 1 },
    });
  });

  it("promises to the lease's own holder and tells it that the lease is its own", () => {
    const { reply } = prepare(holding(ofAda, 0), ballotOf(2), 1);
    expect(reply).toMatchObject({ type: 'promise', accepted: ofAda, lease: { peer: ada, incarnation: 1 } });
  });

  it('promises to anybody at the very end of the lease, and reports the value all the same', () => {
    const { reply } = prepare(holding(ofAda, 0), ballotOf(2, bob), electorLeaseMs);
    expect(reply).toMatchObject({ type: 'promise', accepted: ofAda, lease: null });
  });
});

describe('A2: on accept', () => {
  it('stores durably, promises the ballot and arms the lease for D_A', () => {
    const { state, reply, durable } = accept(newAcceptor, versionOf(ballotOf(3)), 'x', 100);
    expect(reply).toEqual({ type: 'accepted', task, version: versionOf(ballotOf(3)) });
    expect(durable).toBe(true);
    expect(state.promised).toEqual(ballotOf(3));
    expect(state.accepted).toEqual(acceptedOf(versionOf(ballotOf(3)), 'x'));
    expect(liveLease(state, monoMs(100 + electorLeaseMs - 1))?.ballot).toEqual(ballotOf(3));
    expect(liveLease(state, monoMs(100 + electorLeaseMs))).toBeNull();
  });

  it('rejects a ballot below the promised one', () => {
    const { state } = prepare(newAcceptor, ballotOf(2, bob));
    const late = accept(state, versionOf(ballotOf(1)));
    expect(late.reply).toMatchObject({ type: 'accept-reject', reason: 'promised', promised: ballotOf(2, bob) });
    expect(late.state).toBe(state);
  });

  it('rejects while a lease of a different peer or incarnation is live, and no longer', () => {
    const held = holding(ofAda, 0);
    for (const ballot of [ballotOf(9, bob), ballotOf(9, ada, 2)]) {
      const version = versionOf(ballot);
      expect(accept(held, version, 'y', electorLeaseMs - 1).reply).toMatchObject({ reason: 'held' });
      expect(accept(held, version, 'y', electorLeaseMs).reply.type).toBe('accepted');
    }
  });

  it('takes a higher ballot of the same owner while its own lease is live', () => {
    const { state } = accept(holding(ofAda, 0), versionOf(ballotOf(2)), 'y', 1);
    expect(markOf(state.accepted?.value)).toBe('y');
  });

  it('rejects an older version of the same ballot that comes late', () => {
    const newer = accept(newAcceptor, versionOf(ballotOf(1), 5), 'new').state;
    const late = accept(newer, versionOf(ballotOf(1), 4), 'old');
    expect(late.reply).toMatchObject({ type: 'accept-reject', reason: 'old' });
    expect(markOf(late.state.accepted?.value)).toBe('new');
  });

  it('acknowledges the stored version again and extends nothing', () => {
    const { state } = accept(newAcceptor);
    const again = accept(state, versionOf(ballotOf(1)), 'x', 4_000);
    expect(again.reply).toEqual({ type: 'accepted', task, version: versionOf(ballotOf(1)) });
    expect(again.state).toBe(state);
    expect(liveLease(again.state, monoMs(electorLeaseMs))).toBeNull();
  });

  it('renews by versions alone where it has the value, and stores the new version with it', () => {
    const { state } = accept(newAcceptor);
    const renewed = onAccept(state, renewal(), monoMs(1_000), electorLeaseMs);
    expect(renewed.reply.type).toBe('accepted');
    expect(renewed.durable).toBe(true);
    expect(renewed.state.accepted).toEqual({
      version: versionOf(ballotOf(1), 1),
      valueVersion: versionOf(ballotOf(1)),
      value: valueOf('x'),
    });
    expect(liveLease(renewed.state, monoMs(1_000 + electorLeaseMs - 1))).not.toBeNull();
  });

  it('asks for a value that it lacks or has at another version, and arms nothing', () => {
    for (const state of [newAcceptor, accept(newAcceptor, versionOf(ballotOf(1), 0), 'old').state]) {
      const asked = onAccept(state, renewal(versionOf(ballotOf(1), 3), versionOf(ballotOf(1), 2)), monoMs(0), 1);
      expect(asked.reply).toMatchObject({ type: 'accept-reject', reason: 'need-value' });
      expect(asked.state).toBe(state);
    }
  });
});

describe('A3: on release', () => {
  const held = holding(acceptedOf(versionOf(ballotOf(3)), 'x'), 0);

  it('clears the lease and keeps the value and the promise', () => {
    const released = onRelease(held, ballotOf(3));
    expect(released).toEqual({ ...held, lease: null });
    expect(prepare(released, ballotOf(4, bob), 1).reply).toMatchObject({ type: 'promise', accepted: held.accepted });
  });

  it("clears the owner's lease at a lower ballot", () => {
    expect(onRelease(held, ballotOf(4)).lease).toBeNull();
  });

  it.each([
    ['at a lower ballot than the lease has', ballotOf(2)],
    ['of another peer', ballotOf(3, bob)],
    ['of another incarnation', ballotOf(4, ada, 2)],
  ])('ignores a release %s', (_, ballot) => {
    expect(onRelease(held, ballot)).toBe(held);
  });

  it('is nothing to an elector without a lease', () => {
    expect(onRelease(newAcceptor, ballotOf(1))).toBe(newAcceptor);
  });
});

describe('A4: after a restart', () => {
  const stored = { promised: ballotOf(5, bob), accepted: ofAda };

  it('has what it promised and accepted', () => {
    expect(restartAcceptor(stored, monoMs(0), electorLeaseMs)).toMatchObject(stored);
  });

  it('counts what it accepted as a live lease for a full D_A', () => {
    const state = restartAcceptor(stored, monoMs(700), electorLeaseMs);
    const until = 700 + electorLeaseMs;
    expect(prepare(state, ballotOf(6, bob), until - 1).reply).toMatchObject({ holder: { peer: ada } });
    expect(prepare(state, ballotOf(6, bob), until).reply.type).toBe('promise');
  });

  it('holds no lease where nothing was accepted', () => {
    const state = restartAcceptor({ promised: ballotOf(1), accepted: null }, monoMs(0), electorLeaseMs);
    expect(prepare(state, ballotOf(2, bob)).reply.type).toBe('promise');
  });
});
