import { describe, expect, it } from 'vitest';
import { isOffAim, nextElectorate } from '../../../src/election/electorate.ts';
import { Proposer } from '../../../src/election/proposer.ts';
import type { Generation } from '../../../src/protocol/generation.ts';
import type { GenerationId, PeerId } from '../../../src/protocol/ids.ts';
import { initialState, seal } from '../../../src/protocol/state.ts';
import {
  accepted,
  anna,
  at,
  ballot,
  bert,
  carl,
  leaseMs,
  owner,
  promise,
  register,
  stateOf,
  version,
} from './support.ts';

const next: Generation = {
  number: 1,
  id: '0123456789abcdef' as GenerationId,
  electorate: [anna, bert],
  forced: false,
};
const sealed = seal(stateOf(anna), next);
const reported = (of: ReturnType<typeof version>, value = sealed) => ({ version: of, valueVersion: of, value });

function leader(): Proposer {
  const proposer = new Proposer(register, owner(anna), leaseMs);
  proposer.prepare(at(0));
  for (const peer of [anna, bert]) proposer.onPromise(peer, promise(ballot(1)), at(1));
  for (const peer of [anna, bert]) proposer.onAccepted(peer, accepted(version(ballot(1), 0)), at(2));
  expect(proposer.isLeader(at(2))).toBe(true);
  return proposer;
}

describe('M1, the sealing leader', () => {
  it('gives up its leadership before it sends the seal, not at the ack', () => {
    const proposer = leader();
    const sent = proposer.seal((last) => seal(last, next), at(10));
    expect(sent).toHaveLength(3);
    expect(sent[0]?.message).toMatchObject({ type: 'accept', version: version(ballot(1), 1), value: { moved: next } });
    expect(proposer.isLeader(at(10))).toBe(false);
    expect(() => proposer.write((last) => last, at(11))).toThrow('without its lease');
  });

  it('leads no more at the ack either', () => {
    const proposer = leader();
    proposer.seal((last) => seal(last, next), at(10));
    const events = [anna, bert].map((peer) => proposer.onAccepted(peer, accepted(version(ballot(1), 1)), at(11)));
    expect(events.map(({ type }) => type)).toEqual(['nothing', 'sealed']);
    expect(proposer.isLeader(at(11))).toBe(false);
    expect(proposer.idle).toBe(true);
  });

  it('is followed by nobody in that generation: who finds the seal may only commit it again', () => {
    const proposer = new Proposer(register, owner(bert), leaseMs);
    proposer.prepare(at(0));
    proposer.onPromise(bert, promise(ballot(1, bert)), at(1));
    const found = reported(version(ballot(1), 1));
    const event = proposer.onPromise(carl, promise(ballot(1, bert), found), at(1));
    if (event.type !== 'send') throw new Error(event.type);
    expect(event.messages[0]?.message).toMatchObject({ type: 'accept', value: sealed });
    const own = version(ballot(1, bert), 0);
    expect(proposer.onAccepted(bert, accepted(own), at(2)).type).toBe('nothing');
    expect(proposer.onAccepted(carl, accepted(own), at(2))).toEqual({ type: 'sealed', value: sealed });
    expect(proposer.isLeader(at(2))).toBe(false);
  });
});

describe('M2, the seal is known', () => {
  it('by a majority of electors that acknowledged this one version', () => {
    const proposer = leader();
    proposer.seal((last) => seal(last, next), at(10));
    const own = version(ballot(1), 1);
    const useless = [
      proposer.onAccepted(bert, accepted(own), at(11)),
      proposer.onAccepted(bert, accepted(own), at(11)),
      proposer.onAccepted(carl, accepted(version(ballot(1), 0)), at(11)),
      proposer.onAccepted('stranger' as PeerId, accepted(own), at(11)),
    ];
    expect(useless.map(({ type }) => type)).toEqual(useless.map(() => 'nothing'));
    expect(proposer.onAccepted(carl, accepted(own), at(12)).type).toBe('sealed');
  });

  it('however late: it gives no lease, and what a majority has stored stays stored', () => {
    const proposer = leader();
    proposer.seal((last) => seal(last, next), at(10));
    proposer.onAccepted(anna, accepted(version(ballot(1), 1)), at(11));
    expect(proposer.onAccepted(bert, accepted(version(ballot(1), 1)), at(leaseMs * 3)).type).toBe('sealed');
  });

  it('not by what one elector has stored: a later value without a seal wins over it', () => {
    const proposer = new Proposer(register, owner(bert), leaseMs);
    const own = ballot(9, bert);
    proposer.noteRound(8);
    proposer.prepare(at(0));
    proposer.onPromise(bert, promise(own, reported(version(ballot(2), 0), stateOf(bert))), at(1));
    proposer.onPromise(carl, promise(own, reported(version(ballot(1), 1))), at(1));
    for (const peer of [bert, carl]) proposer.onAccepted(peer, accepted(version(own, 0)), at(2));
    expect(proposer.isLeader(at(2))).toBe(true);
    expect(proposer.latest).toEqual(stateOf(bert));
  });
});

describe('M3, the next generation', () => {
  it('begins with the sealed value where nothing was accepted yet', () => {
    const initial = { ...sealed, generation: next, moved: null };
    const proposer = new Proposer({ ...register, generation: next.id, initial }, owner(anna), leaseMs);
    proposer.prepare(at(0));
    for (const peer of [anna, bert]) proposer.onPromise(peer, promise(ballot(1)), at(1));
    expect(proposer.latest).toEqual(initial);
    expect(proposer.latest).not.toEqual(initialState);
  });
});

describe('the electorate that is moved to', () => {
  const peers = 'abcdefg'.split('') as PeerId[];
  const nonce = '0'.repeat(16);

  it('keeps the electors that are there and fills up by hash', () => {
    const present = peers.slice(0, 5);
    const chosen = nextElectorate(present, peers.slice(1), nonce);
    expect(chosen).toHaveLength(5);
    expect(present.slice(1).every((peer) => chosen.includes(peer))).toBe(true);
  });

  it.each([
    [7, 5],
    [5, 5],
    [4, 3],
    [3, 3],
    [2, 2],
    [1, 1],
  ])('of %i peers has %i', (there, size) => {
    expect(nextElectorate(peers.slice(0, 5), peers.slice(0, there), nonce)).toHaveLength(size);
  });

  it('is off its aim by its size, or by an elector that is not there', () => {
    const five = peers.slice(0, 5);
    expect(isOffAim(five, five)).toBe(false);
    expect(isOffAim(five, peers)).toBe(false);
    expect(isOffAim(five.slice(0, 3), five)).toBe(true);
    expect(isOffAim(five, peers.slice(1))).toBe(true);
  });
});
