import { describe, expect, it } from 'vitest';
import type { Reply } from '../../src/peer/core/io.ts';
import { type PeerId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import { promptKey, signTask, type Task } from '../../src/protocol/record.ts';
import { assign, type End, endAttempt, initialState, type TaskState } from '../../src/protocol/state.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';
import { messages } from '../protocol/samples.ts';
import type { Observation } from './observation.ts';
import { Judge } from './oracles.ts';
import { draftOf } from './script.ts';

const key = promptKey('again');
const result = { branch: 'peer/x', commit: null, pullRequest: null };
const done = endAttempt(assign(initialState, 'ada' as PeerId, wallMs(1)), { type: 'done', result }, wallMs(2));

const taskOf = (round: number): Task =>
  signTask(
    {
      ...draftOf({ key }),
      format: 1,
      round,
      submitter: 'ada' as PeerId,
      createdAt: wallMs(1_000),
      nonce: 'ab'.repeat(16),
      electorate: ['ada' as PeerId],
    },
    () => new Uint8Array(64),
  );
const [first, second] = [taskOf(1), taskOf(2)];

const recorded = (task: Task): Observation => ({ at: 0, peer: 'ada', type: 'record', task });
const shown = (peer: string, state: TaskState): Observation => ({
  at: 1,
  peer,
  type: 'told-end',
  task: first.id,
  state,
});
const buried = (peer: string, end: End): Observation => {
  const tombstone: Tombstone = { ...messages.tombstone.tombstone, task: first.id, key, round: 1, end };
  return { at: 2, peer, type: 'buried', tombstone };
};
const asked = (peer: string): Observation => {
  const command = { type: 'submit', draft: draftOf({ key }), again: false } as const;
  return { at: 3, peer, type: 'asked', id: 'c', command };
};
const replied = (peer: string, reply: Reply): Observation => ({ at: 4, peer, type: 'replied', id: 'c', reply });
const submitted = (task: TaskId): Reply => ({ type: 'submitted', task });

function found(...observations: readonly Observation[]): readonly string[] {
  const judge = new Judge();
  for (const observation of observations) judge.see(observation);
  return judge.violations.map(({ invariant }) => invariant);
}

describe('I8 of a key', () => {
  const twin = { ...first, id: 'f'.repeat(64) as TaskId };
  const known = [recorded(first), recorded(second), recorded(twin)];

  it('a round whose result a peer has shown is not begun anew there, also once it is pruned', () => {
    for (const past of [shown('ada', done), buried('ada', { name: 'done', result })]) {
      expect(found(...known, past, asked('ada'), replied('ada', submitted(twin.id)))).toEqual(['I8']);
      expect(found(...known, past, asked('ada'), replied('ada', submitted(second.id)))).toEqual([]);
    }
  });

  it('may be, by a peer that does not know of it, or did not when it was asked', () => {
    expect(found(...known, shown('bea', done), asked('ada'), replied('ada', submitted(twin.id)))).toEqual([]);
    expect(found(...known, asked('ada'), shown('ada', done), replied('ada', submitted(twin.id)))).toEqual([]);
  });

  it('what is pruned is what was shown', () => {
    const cancelled: End = { name: 'cancelled', reason: 'enough', duplicateOf: null };
    expect(found(...known, shown('ada', done), buried('bea', cancelled))).toEqual(['I8']);
    expect(found(...known, shown('ada', done), buried('bea', { name: 'done', result }))).toEqual([]);
  });
});
