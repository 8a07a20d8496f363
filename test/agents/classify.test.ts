import { describe, expect, it } from 'vitest';
import { requiresByName, requiresFromLabels } from '../../src/agents/classify.ts';

describe('what an issue requires', () => {
  it.each([
    [['backend', 'bug'], ['backend'], 'label backend'],
    [['area: Frontend'], ['frontend'], 'label area: Frontend'],
    [['area/ci'], ['devops'], 'label area/ci'],
    [['ci/cd'], ['devops'], 'label ci/cd'],
    [['tests', 'api', 'database'], ['backend', 'testing'], 'labels tests, api, database'],
    [['specialty:mobile'], ['mobile'], 'label specialty:mobile'],
    [['specialty: Not A Name!'], [], 'no label names a specialty'],
    [['constructor', 'good first issue'], [], 'no label names a specialty'],
    [[], [], 'nothing says what it takes'],
  ])('labels %j', (labels, specialties, reason) => {
    expect(requiresFromLabels(labels)).toEqual({ specialties, explicit: false, reason });
  });

  it('takes a name that a person gave as a condition', () => {
    expect(requiresByName(['testing'])).toMatchObject({ specialties: ['testing'], explicit: true });
  });
});
