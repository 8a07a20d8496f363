import { describe, expect, it } from 'vitest';
import { initialState, seal, startPublishing, succeed } from '../../../src/protocol/state.ts';
import type { Observation } from '../observation.ts';
import {
  accepts,
  assignedTo,
  found,
  generation,
  majorityAccepts,
  names,
  publication,
  recorded,
  task,
  taskOf,
  versionOf,
} from './histories.ts';

describe('I1', () => {
  const leads = (leaders: readonly string[]): Observation => ({
    at: 5,
    peer: 'alpha',
    type: 'leads',
    task: task.id,
    leaders,
  });

  it('is broken by two leaders at once', () => {
    expect(found(recorded(), leads(['alpha']), leads(['beta']))).toEqual([]);
    expect(found(recorded(), leads(['alpha', 'beta']))).toEqual(['I1']);
  });

  it('is not promised where an electorate of two has been', () => {
    const two = taskOf(['alpha', 'beta']);
    const leaders: Observation = { at: 5, peer: 'alpha', type: 'leads', task: two.id, leaders: ['alpha', 'beta'] };
    expect(found(recorded(two), leaders)).toEqual([]);
  });

  it('is not promised where a generation was forced', () => {
    const next = succeed(initialState, generation(['alpha'], { forced: true }));
    const installed: Observation = {
      at: 2,
      peer: 'alpha',
      type: 'register',
      task: task.id,
      register: { initial: next, promised: null, accepted: null },
    };
    expect(found(recorded(), installed, leads(['alpha', 'beta']))).toEqual([]);
  });
});

describe('I2', () => {
  const assigned = assignedTo('alpha');
  const publishing = startPublishing(assigned, publication);

  it('is kept by a leader that begins with the last value, and by one that resends or renews', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 0), initialState),
      ...majorityAccepts(versionOf(1, 1), assigned),
      ...majorityAccepts(versionOf(1, 2), assigned, { valueVersion: versionOf(1, 1) }),
      ...majorityAccepts(versionOf(2, 0, 'beta'), assigned),
      ...majorityAccepts(versionOf(2, 1, 'beta'), publishing),
    ];
    expect(found(recorded(), ...history)).toEqual([]);
  });

  it('is broken by an elector whose version falls', () => {
    const history = [accepts('alpha', versionOf(2, 0), initialState), accepts('alpha', versionOf(1, 3), initialState)];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by one version with two values', () => {
    const history = [accepts('alpha', versionOf(1, 1), assigned), accepts('beta', versionOf(1, 1), publishing)];
    expect(found(recorded(), ...history)).toContain('I2');
  });

  it('is broken by a leader that begins with an older value than was committed', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 0), initialState),
      ...majorityAccepts(versionOf(1, 1), assigned),
      accepts('gamma', versionOf(2, 0, 'gamma'), initialState),
    ];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by a write that is computed from an older one', () => {
    const history = [
      ...majorityAccepts(versionOf(1, 1), publishing),
      ...majorityAccepts(versionOf(1, 2), assignedTo('alpha')),
    ];
    expect(found(recorded(), ...history)).toEqual(['I2']);
  });

  it('is broken by a generation that is installed before its seal is committed', () => {
    const next = generation(names);
    const sealed = seal(assigned, next);
    const initial = succeed(assigned, next);
    const written = [accepts('alpha', versionOf(1, 1), sealed)];
    const installed = accepts('gamma', versionOf(1, 0, 'gamma'), initial, { initial });
    expect(found(recorded(), ...written, installed)).toEqual(['I2']);
    expect(found(recorded(), ...majorityAccepts(versionOf(1, 1), sealed), installed)).toEqual([]);
  });
});
