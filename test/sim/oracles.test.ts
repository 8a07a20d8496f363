import { expect, it } from 'vitest';
import type { Observation } from './observation.ts';
import { found, recorded, task } from './oracles/histories.ts';

it('the judge keeps the first findings only', () => {
  const leaders = ['alpha', 'beta'];
  const leads: Observation = { at: 5, peer: 'alpha', type: 'leads', task: task.id, leaders };
  expect(found(recorded(), ...Array.from({ length: 100 }, () => leads)).length).toBeLessThan(50);
});
