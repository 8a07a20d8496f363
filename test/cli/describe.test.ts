import { describe, expect, it } from 'vitest';
import { describeStatus, describeTask, describeTasks } from '../../src/cli/describe.ts';
import { statusJson, taskJson } from '../../src/peer/control/json.ts';
import type { TaskView } from '../../src/peer/core/io.ts';
import { FakeService, makeView } from '../peer/control/fake-service.ts';

const nameOf = (peer: string | null): string => peer ?? '-';
const elector = (name: string, reachable: boolean) => ({ ...makeView('x').electors[0], peer: name, name, reachable });
const withElectors = (reachable: readonly boolean[], stalled: string): Partial<TaskView> => ({
  electors: reachable.map((one, index) => elector(`pc${index}`, one)) as unknown as TaskView['electors'],
  stalled,
});

describe('a task that waits', () => {
  it('is waiting where its electors can decide, with the reason', () => {
    const task = taskJson(makeView('Fix it', withElectors([true, true, false], '3 × busy (1 of 1 slots)')));
    expect(describeTasks([task], nameOf, Date.parse(task.createdAt))).toMatch(/ waiting .*Fix it · 3 × busy/);
    expect(describeTask(task, nameOf)).toMatch(/^waiting {4}3 × busy \(1 of 1 slots\)$/m);
  });

  it('is stalled where a majority of them is gone, with the mend', () => {
    const task = taskJson(makeView('Fix it', withElectors([true, false, false], '2 of 3 electors unreachable')));
    expect(describeTasks([task], nameOf, Date.parse(task.createdAt))).toMatch(/ stalled .*2 of 3 electors unreachable/);
    expect(describeTask(task, nameOf)).toContain(
      `stalled    2 of 3 electors unreachable; should they be gone for good: \`peer adopt ${task.id.slice(0, 8)}\``,
    );
  });
});

describe('a mesh', () => {
  it('tells of tasks that run without a quorum', () => {
    const view = makeView('Fix it');
    const generation = { ...view.generation, forced: true };
    const service = new FakeService({ ...view, generation });
    expect(describeStatus(statusJson(service), 0)).toContain('1 task runs without a quorum');
    expect(describeStatus(statusJson(new FakeService(view)), 0)).not.toContain('quorum');
  });
});
