import { describe, expect, it } from 'vitest';
import { accepts, assignedTo, found, majorityAccepts, recorded, starts, versionOf } from './histories.ts';

describe('I6', () => {
  it('is broken by an attempt that no majority has assigned', () => {
    const value = assignedTo('gamma');
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), value), starts('gamma', 1))).toEqual([]);
    expect(found(recorded(), accepts('alpha', versionOf(1, 1), value), starts('gamma', 1))).toEqual(['I6']);
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), value), starts('beta', 1))).toEqual(['I6']);
  });

  it('is broken by an attempt that is started twice', () => {
    const value = assignedTo('gamma');
    const history = [...majorityAccepts(versionOf(1, 1), value), starts('gamma', 1), starts('gamma', 1)];
    expect(found(recorded(), ...history)).toEqual(['I6']);
  });
});

describe('I7', () => {
  it('is broken by a peer that runs more than it can', () => {
    const value = assignedTo('gamma');
    const history = majorityAccepts(versionOf(1, 1), value);
    expect(found(recorded(), ...history, starts('gamma', 1, 2, 2))).toEqual([]);
    expect(found(recorded(), ...history, starts('gamma', 1, 2, 1))).toEqual(['I7']);
  });
});
