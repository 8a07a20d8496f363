import { describe, expect, it } from 'vitest';
import { wallMs } from '../../../src/protocol/ids.ts';
import { cancel, endAttempt, initialState, succeed, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation } from '../observation.ts';
import { accepts, assignedTo, commits, doneWith, found, generation, recorded, task, versionOf } from './histories.ts';

describe('I4 and I5', () => {
  const acknowledged: Observation = {
    at: 3,
    peer: 'alpha',
    type: 'replied',
    id: 'command-1',
    reply: { type: 'submitted', task: task.id },
  };
  const shows = (phase: string | null): Observation => ({ at: 99, peer: 'beta', type: 'shows', task: task.id, phase });

  it('are kept by a task that has ended', () => {
    expect(found(recorded(), acknowledged, shows('done'), shows('failed'), shows('cancelled'))).toEqual([]);
  });

  it('I4 is broken where somebody does not know an acknowledged task', () => {
    expect(found(recorded(), acknowledged, shows(null))).toEqual(['I4']);
    expect(found(recorded(), shows(null))).toEqual([]);
  });

  it('I5 is broken by a task that has not ended, acknowledged or not', () => {
    expect(found(recorded(), acknowledged, shows('open'))).toEqual(['I5']);
    expect(found(recorded(), shows('publishing'))).toEqual(['I5']);
  });
});

describe('I8', () => {
  const shown = (peer: string, state: TaskState): Observation => ({
    at: 50,
    peer,
    type: 'told-end',
    task: task.id,
    state,
  });
  const cancelled = cancel(initialState, 'enough', null, wallMs(8));

  it('is broken by an end that is another elsewhere', () => {
    const end = doneWith(commits[0]);
    expect(found(recorded(), shown('alpha', end), shown('beta', end))).toEqual([]);
    expect(found(recorded(), shown('alpha', end), shown('beta', cancelled))).toEqual(['I8']);
    expect(found(recorded(), shown('alpha', end), shown('beta', doneWith(commits[1])))).toEqual(['I8']);
  });

  it('lets a result beat another end where the task was forced to go on, and nothing beat a result', () => {
    const initial = succeed(initialState, generation(['alpha'], { forced: true }));
    const forced = accepts('alpha', versionOf(1, 0), initial, { initial });
    const end = doneWith(commits[0]);
    expect(found(recorded(), forced, shown('alpha', cancelled), shown('beta', end))).toEqual([]);
    expect(found(recorded(), forced, shown('alpha', end), shown('beta', cancelled))).toEqual([]);
    const other = endAttempt(
      assignedTo('alpha'),
      {
        type: 'done',
        result: { branch: 'x', commit: commits[1], pullRequest: { number: 2, url: 'u', state: 'open' } },
      },
      wallMs(9),
    );
    expect(found(recorded(), forced, shown('alpha', end), shown('beta', other))).toEqual(['I8']);
  });

  it('is broken by a cancel that was said to be done, and was not', () => {
    const history: readonly Observation[] = [
      recorded(),
      { at: 4, peer: 'alpha', type: 'asked', id: 'c', command: { type: 'cancel', task: task.id, reason: 'enough' } },
      { at: 5, peer: 'alpha', type: 'replied', id: 'c', reply: { type: 'cancelled' } },
    ];
    const shows = (phase: string): Observation => ({ at: 99, peer: 'beta', type: 'shows', task: task.id, phase });
    expect(found(...history, shows('cancelled'))).toEqual([]);
    expect(found(...history, shows('done'))).toEqual(['I8']);
  });
});
