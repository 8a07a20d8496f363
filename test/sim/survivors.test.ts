import { describe, expect, it } from 'vitest';
import { wallMs } from '../../src/protocol/ids.ts';
import { signTask } from '../../src/protocol/record.ts';
import { draftOf } from './script.ts';
import { Survivors } from './survivors.ts';
import { peerIdOf } from './world.ts';

const survivorsOf = (...electors: readonly string[]): Survivors => {
  const survivors = new Survivors();
  const electorate = electors.map(peerIdOf);
  const body = {
    ...draftOf(),
    format: 1 as const,
    round: 1,
    createdAt: wallMs(1),
    nonce: '0123456789abcdef',
    electorate,
  };
  const task = signTask({ ...body, submitter: peerIdOf('ada') }, () => new Uint8Array(64));
  survivors.see({ at: 0, peer: 'ada', type: 'record', task });
  return survivors;
};

describe('those that are left', () => {
  it.each([
    [true, ['ada'], ['ada']],
    [false, ['ada'], ['bea', 'cid', 'dan', 'eva']],
    [true, ['ada', 'bea'], ['bea']],
    [true, ['ada', 'bea', 'cid'], ['ada', 'cid']],
    [false, ['ada', 'bea', 'cid'], ['cid', 'dan', 'eva']],
  ])('%s suffice where %j hold the task and %j are left', (enough, electors, left) => {
    expect(survivorsOf(...electors).suffice(left)).toBe(enough);
  });
});
