import { describe, expect, it } from 'vitest';
import {
  liveLease,
  newAcceptor,
  onAccept,
  onPrepare,
  onRelease,
  restartAcceptor,
} from '../../../src/election/acceptor.ts';
import {
  accept,
  anna,
  ballot,
  bert,
  electorLeaseMs,
  holding,
  mono,
  owner,
  prepare,
  stateOf,
  version,
} from './support.ts';

const first = version(ballot(1), 0);

describe('A1, on prepare', () => {
  it('promises to a first ballot, durably, and reports what it has accepted', () => {
    const { state, reply, durable } = onPrepare(newAcceptor, prepare(ballot(3)), mono(0));
    expect(reply).toMatchObject({ type: 'promise', ballot: ballot(3), accepted: null, lease: null });
    expect(state.promised).toEqual(ballot(3));
    expect(durable).toBe(true);
  });

  it('rejects a competitor of a live lease, names the holder, and promises nothing', () => {
    const { state, reply, durable } = onPrepare(holding(first), prepare(ballot(9, bert)), mono(electorLeaseMs - 1));
    expect(reply).toMatchObject({ type: 'prepare-reject', holder: owner(anna) });
    expect(state.promised).toEqual(ballot(1));
    expect(durable).toBe(false);
  });

  it('takes the holder’s own incarnation for open, a restarted one for a competitor', () => {
    expect(onPrepare(holding(first), prepare(ballot(2)), mono(1)).reply).toMatchObject({
      type: 'promise',
      lease: owner(anna),
    });
    expect(onPrepare(holding(first), prepare(ballot(2, anna, 2)), mono(1)).reply.type).toBe('prepare-reject');
  });

  it('promises once the lease has ended, and still reports its value', () => {
    const { reply } = onPrepare(holding(first), prepare(ballot(2, bert)), mono(electorLeaseMs));
    expect(reply).toMatchObject({ type: 'promise', accepted: { version: first, value: stateOf(anna) }, lease: null });
  });

  it('rejects a ballot below the promised one', () => {
    const { state } = onPrepare(newAcceptor, prepare(ballot(5, bert)), mono(0));
    expect(onPrepare(state, prepare(ballot(4)), mono(1)).reply).toMatchObject({
      type: 'prepare-reject',
      promised: ballot(5, bert),
    });
  });
});

describe('A2, on accept', () => {
  it('stores, promises and arms the lease for D_A, durably', () => {
    const { state, reply, durable } = onAccept(newAcceptor, accept(first), mono(100), electorLeaseMs);
    expect(reply).toMatchObject({ type: 'accepted', version: first });
    expect(state).toMatchObject({ promised: ballot(1), accepted: { version: first, value: stateOf(anna) } });
    expect(liveLease(state, mono(100 + electorLeaseMs - 1))).not.toBeNull();
    expect(liveLease(state, mono(100 + electorLeaseMs))).toBeNull();
    expect(durable).toBe(true);
  });

  it('acks the stored version again without extending its lease', () => {
    const { state, reply } = onAccept(holding(first), accept(first), mono(2_000), electorLeaseMs);
    expect(reply.type).toBe('accepted');
    expect(liveLease(state, mono(electorLeaseMs))).toBeNull();
  });

  it('rejects a ballot below the promised one', () => {
    const { state } = onPrepare(newAcceptor, prepare(ballot(5, bert)), mono(0));
    expect(onAccept(state, accept(first), mono(1), electorLeaseMs).reply).toMatchObject({ reason: 'promised' });
  });

  it('rejects another owner while a lease lives, and takes it after', () => {
    const other = accept(version(ballot(7, bert), 0));
    expect(onAccept(holding(first), other, mono(1), electorLeaseMs).reply).toMatchObject({ reason: 'held' });
    expect(onAccept(holding(first), other, mono(electorLeaseMs), electorLeaseMs).reply.type).toBe('accepted');
  });

  it('rejects an older version of the same ballot', () => {
    const newer = holding(version(ballot(1), 4));
    expect(onAccept(newer, accept(version(ballot(1), 3)), mono(1), electorLeaseMs).reply).toMatchObject({
      reason: 'old',
    });
  });

  it('renews by version alone where it has the value, and asks for it where not', () => {
    const renewal = accept(version(ballot(1), 1), null, first);
    const { state, reply } = onAccept(holding(first), renewal, mono(1_000), electorLeaseMs);
    expect(reply.type).toBe('accepted');
    expect(state.accepted).toEqual({ version: version(ballot(1), 1), valueVersion: first, value: stateOf(anna) });
    expect(liveLease(state, mono(1_000 + electorLeaseMs - 1))).not.toBeNull();
    expect(onAccept(newAcceptor, renewal, mono(1_000), electorLeaseMs).reply).toMatchObject({ reason: 'need-value' });
  });
});

describe('A3, on release', () => {
  it('clears the lease and keeps the value', () => {
    const state = onRelease(holding(first), ballot(1));
    expect(liveLease(state, mono(1))).toBeNull();
    expect(state.accepted?.value).toEqual(stateOf(anna));
  });

  it('leaves the lease of another owner, incarnation or later ballot alone', () => {
    for (const other of [ballot(1, bert), ballot(1, anna, 2), ballot(0)]) {
      expect(liveLease(onRelease(holding(first), other), mono(1))).not.toBeNull();
    }
  });
});

describe('A4, after a restart', () => {
  const { promised, accepted } = holding(first);

  it('counts an accepted lease as live for a full D_A from the restart', () => {
    const state = restartAcceptor({ promised, accepted }, mono(50), electorLeaseMs);
    expect(onPrepare(state, prepare(ballot(9, bert)), mono(50 + electorLeaseMs - 1)).reply.type).toBe('prepare-reject');
    expect(onPrepare(state, prepare(ballot(9, bert)), mono(50 + electorLeaseMs)).reply.type).toBe('promise');
  });

  it('still honours what it has promised', () => {
    const state = restartAcceptor({ promised: ballot(8, bert), accepted: null }, mono(0), electorLeaseMs);
    expect(onAccept(state, accept(first), mono(1), electorLeaseMs).reply).toMatchObject({ reason: 'promised' });
  });
});
