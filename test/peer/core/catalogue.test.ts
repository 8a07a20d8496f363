import { describe, expect, it } from 'vitest';
import { Catalogue } from '../../../src/peer/core/catalogue.ts';
import { Step } from '../../../src/peer/core/step.ts';
import { type GenerationId, monoMs, type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import { signTask, type Task } from '../../../src/protocol/record.ts';
import { assign, cancel, endAttempt, initialState, type TaskState } from '../../../src/protocol/state.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';
import { draftOf } from '../../sim/script.ts';
import { peerIdOf } from '../../sim/world.ts';

const alpha = peerIdOf('alpha');
const at = wallMs(1_750_000_000_000);
const step = (): Step => new Step({ monoMs: monoMs(0), wallMs: at });

const taskMadeAt = (ms: number): Task =>
  signTask(
    {
      ...draftOf(),
      format: 1,
      round: 1,
      submitter: alpha,
      createdAt: wallMs(at + ms),
      nonce: '0'.repeat(16),
      electorate: [alpha],
    },
    () => new Uint8Array(64),
  );

const first = taskMadeAt(0);
const second = taskMadeAt(1);

/** A catalogue with both tasks, in the states given. */
function knowing(states: readonly (readonly [TaskId, TaskState])[]): Catalogue {
  const catalogue = new Catalogue({ knowledge: [], registers: [], tombstones: [] }, [first, second]);
  states.forEach(([task, state], index) => {
    const version = { ballot: { round: 1, peer: alpha, incarnation: 1 }, seq: index };
    catalogue.learn({ task, version, state, leader: null, stalled: null, answers: [], story: [] }, step());
  });
  return catalogue;
}

/** So long after both were made. */
const winnerOver = (catalogue: Catalogue, { id }: Task, afterMs = 0): TaskId | null =>
  catalogue.winnerOver(id, new Step({ monoMs: monoMs(0), wallMs: wallMs(at + afterMs) }), defaultTiming);

const assigned = assign(initialState, alpha, at);
const lapsed = endAttempt(assigned, { type: 'lapsed', reason: 'gone' }, at);

describe('a seat in a later generation', () => {
  it('says that its task no longer waits', () => {
    const generation = { number: 1, id: 'a'.repeat(16) as GenerationId, electorate: [alpha], forced: false };
    const initial = { ...assigned, generation };
    const registers = [{ task: first.id, register: { initial, promised: null, accepted: null } }];
    const catalogue = new Catalogue({ knowledge: [], registers, tombstones: [] }, [first, second]);
    expect(catalogue.waiting().map(({ task }) => task.id)).toEqual([second.id]);
  });
});

describe('of two tasks with one key', () => {
  it('the older one stays', () => {
    const catalogue = knowing([]);
    expect(winnerOver(catalogue, second)).toBe(first.id);
    expect(winnerOver(catalogue, first)).toBeNull();
  });

  it('the one that got further stays', () => {
    const catalogue = knowing([[second.id, assigned]]);
    expect(winnerOver(catalogue, first)).toBe(second.id);
    expect(winnerOver(catalogue, second)).toBeNull();
  });

  it('the one that ever got further stays, though its attempt has lapsed: a leader with older news decides the same', () => {
    const catalogue = knowing([[second.id, lapsed]]);
    expect(winnerOver(catalogue, first)).toBe(second.id);
    expect(winnerOver(catalogue, second)).toBeNull();
  });

  it('neither gives way to one that nobody has led in a month', () => {
    const monthMs = defaultTiming.keepFinishedMs + 1;
    expect(winnerOver(knowing([[second.id, initialState]]), second, monthMs)).toBeNull();
    expect(winnerOver(knowing([[first.id, initialState]]), second, monthMs)).toBe(first.id);
  });

  it('neither gives way to one that was given up', () => {
    const catalogue = knowing([[first.id, cancel(assigned, 'a person asked', null, at)]]);
    expect(winnerOver(catalogue, second)).toBeNull();
  });
});

describe('a summary', () => {
  it('that is older than what is known changes nothing but the story', () => {
    const catalogue = knowing([
      [first.id, initialState],
      [first.id, assigned],
    ]);
    const version = { ballot: { round: 1, peer: alpha, incarnation: 1 }, seq: 0 };
    const story = [{ at, by: alpha, event: 'stalled', detail: 'it was' }];
    const old = { task: first.id, version, state: initialState, leader: null, stalled: 'it was', answers: [], story };
    expect(catalogue.learn(old, step())).toBe(false);
    expect(catalogue.get(first.id)).toMatchObject({ state: { phase: { name: 'assigned' } }, stalled: null, story });
  });
});
