import { describe, expect, it } from 'vitest';
import { describeStatus, describeTask, describeTasks } from '../../src/cli/describe.ts';
import { localTime, withLocalTimes } from '../../src/cli/output.ts';
import { statusJson, taskJson, tombstoneJson } from '../../src/peer/control/json.ts';
import type { TaskView } from '../../src/peer/core/io.ts';
import { type BlobId, type CommitId, type PeerId, wallMs } from '../../src/protocol/ids.ts';
import { assign, endAttempt, initialState, saveCheckpoint } from '../../src/protocol/state.ts';
import { alpha, beta, FakeService, makeView } from '../peer/control/fake-service.ts';
import { messages } from '../protocol/samples.ts';

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

  it('for a specialty that nobody has, with how to give it one', () => {
    const task = taskJson(makeView('Fix it', withElectors([true, true, true], '2 × requires (mobile, ios)')));
    const mend = `; \`peer start --specialties mobile,ios\` on some PC, or \`peer cancel ${task.id.slice(0, 8)}\``;
    expect(describeTask(task, nameOf)).toContain(`2 × requires (mobile, ios)${mend}`);
  });

  it('is stalled where a majority of them is gone, with the mend', () => {
    const task = taskJson(makeView('Fix it', withElectors([true, false, false], '2 of 3 electors unreachable')));
    expect(describeTasks([task], nameOf, Date.parse(task.createdAt))).toMatch(/ stalled .*2 of 3 electors unreachable/);
    expect(describeTask(task, nameOf)).toMatch(/^[0-9a-f]{16} {2}stalled$/m);
    expect(describeTask(task, nameOf)).toContain(
      `stalled    2 of 3 electors unreachable; should they be gone for good: \`peer adopt ${task.id.slice(0, 8)}\``,
    );
  });
});

it('a cancel that waits here is shown, with what takes it back', () => {
  const view = makeView('Fix it', { cancelPending: true });
  const mend = `\`peer adopt ${view.task.id.slice(0, 8)}\` takes it back`;
  expect(describeTask(taskJson(view), nameOf)).toContain(`cancel     waits for a majority of its electors; ${mend}`);
});

describe('a checkpoint', () => {
  it('is shown with its attempt, number, time and commit, and whether it was the last', () => {
    const view = makeView('Fix it');
    const checkpoint = {
      blob: 'b'.repeat(64) as BlobId,
      bytes: 10,
      base: 'c'.repeat(40) as CommitId,
      commit: 'a'.repeat(40) as CommitId,
      attempt: 1,
      number: 2,
      finished: true,
      session: null,
      at: wallMs(Date.parse('2026-03-04T05:06:07Z')),
    };
    const state = saveCheckpoint(assign(view.state, 'w' as PeerId, wallMs(1_000)), checkpoint);
    const task = taskJson({ ...view, state });
    expect(task.attempts[0]?.checkpoints).toMatchObject([{ number: 2, finished: true }]);
    expect(describeTask(task, nameOf)).toMatch(/^1 +2 +05:06:07 +aaaaaaaaaa +finished$/m);
  });
});

it('an attempt that was refused before any work does not count as one', () => {
  const refused = endAttempt(
    assign(initialState, beta, wallMs(1_000)),
    { type: 'refused', reason: 'the slot has gone' },
    wallMs(2_000),
  );
  const task = taskJson(makeView('Fix it', { state: assign(refused, alpha, wallMs(3_000)) }));
  expect(describeTask(task, nameOf)).toMatch(/^1 .* not begun +- +the slot has gone$/m);
  expect(describeTasks([task], nameOf, Date.parse(task.createdAt))).toMatch(/ assigned +\S+ +1 +\d/);
});

describe('a result', () => {
  it.each([
    [true, /^result {5}branch peer\/x at aaaaaaaaaa$/m],
    [false, /^result {5}branch peer\/x at aaaaaaaaaa, not ready: its tests fail \(`peer logs [0-9a-f]{8}`\)$/m],
  ])('that was verified or was not (%s) says so', (verified, line) => {
    const result = { branch: 'peer/x', commit: 'a'.repeat(40) as CommitId, pullRequest: null, verified };
    const view = makeView('Fix it');
    const started = assign(view.state, 'w' as PeerId, wallMs(1_000));
    const state = endAttempt(started, { type: 'done', result }, wallMs(2_000));
    const task = taskJson({ ...view, state });
    expect(task.result).toMatchObject({ verified });
    expect(describeTask(task, nameOf)).toMatch(line);
  });
});

describe('a mesh', () => {
  it('tells of the PCs whose agents nothing confines', () => {
    const status = statusJson(new FakeService(makeView('Fix it')));
    const within = (sandbox: string | null) => ({
      ...status,
      peers: status.peers.map((peer) => ({ ...peer, sandbox })),
    });
    // The other one runs no agents.
    expect(describeStatus(within(null), 0)).toContain('no sandbox on alpha: agents there can read what you can');
    expect(describeStatus(within('bubblewrap'), 0)).not.toContain('no sandbox');
  });

  it('tells of tasks that run without a quorum', () => {
    const view = makeView('Fix it');
    const generation = { ...view.generation, forced: true };
    const service = new FakeService({ ...view, generation });
    expect(describeStatus(statusJson(service), 0)).toContain('1 task runs without a quorum');
    expect(describeStatus(statusJson(new FakeService(view)), 0)).not.toContain('quorum');
  });
});

describe('names that somebody else has chosen', () => {
  it('leave room for the rest of a line', () => {
    const status = statusJson(new FakeService());
    const peers = status.peers.map((peer) => ({ ...peer, name: 'p'.repeat(100) }));
    const text = describeStatus({ ...status, mesh: 'm'.repeat(100), peers }, 0);
    expect(text).toMatch(/^mesh m{39}…, 2 peers$/m);
    expect(text).toMatch(/^p{39}… \(here\) /m);
  });
});

describe('money', () => {
  const cents = (costUsd: number) => ({ text: 'at work', costUsd, at: wallMs(5_000) });

  it('is told of a mesh, its peers and their budgets', () => {
    const text = describeStatus(statusJson(new FakeService()), 0);
    expect(text).toContain('spent today (UTC): $2.25 in the mesh, $1.50 of $5.00 here');
    expect(text).toMatch(/^PEER .* TODAY +SEEN$/m);
    expect(text).toMatch(/^alpha \(here\) .* command .* \$1\.50 +now$/m);
    expect(text).toMatch(/^beta .* unavailable until Jan 01 \d\d:00: quota +- /m);
  });

  it('is told of nobody whose agents nobody counts', () => {
    const status = statusJson(new FakeService());
    const peers = status.peers.map((peer) => ({ ...peer, spentTodayUsd: 0, unavailable: null }));
    const [command, other] = peers.map((peer, index) => ({
      ...peer,
      executor: ['command', 'anthropic'][index] ?? null,
    }));
    const text = describeStatus({ ...status, peers: [command, other].flatMap((one) => one ?? []) }, 0);
    expect(text).toMatch(/^alpha .* command +- +now$/m);
    expect(text).toMatch(/^beta .* anthropic +\$0\.00 /m);
  });

  it('is not where nothing costs any', () => {
    const free = statusJson(new FakeService());
    const spend = { ...free.spend, hereUsd: 0, meshUsd: 0, dailyBudgetUsd: null };
    expect(describeStatus({ ...free, spend }, 0)).not.toContain('spent today');
  });

  it('is told of a task and each of its attempts', () => {
    const lapsed = endAttempt(
      assign(initialState, beta, wallMs(1)),
      { type: 'lapsed', reason: 'gone' },
      wallMs(2),
      0.5,
    );
    const state = assign(lapsed, alpha, wallMs(3));
    const limits = { wallMs: 1, idleMs: 1, budgetUsd: 2 };
    const text = describeTask(taskJson(makeView('Fix it', { state, progress: cents(0.25) }, { limits })), nameOf);
    expect(text).toContain('cost       $0.75 of $2.00');
    expect(text).toMatch(/^1 .* lapsed +\$0\.50 +gone$/m);
    expect(text).toMatch(/^2 .* under way +\$0\.25$/m);
    expect(describeTask(taskJson(makeView('Fix it')), nameOf)).not.toContain('cost ');
  });
});

it('tells the times of others by the clock of who reads', () => {
  const at = new Date(2026, 10, 5, 14, 0);
  expect(localTime(at.toISOString(), new Date(2026, 10, 5, 1, 0).getTime())).toBe('14:00');
  expect(localTime(at.toISOString(), new Date(2026, 10, 4, 23, 0).getTime())).toBe('Nov 05 14:00');
  expect(withLocalTimes(`3 × quota (until ${at.toISOString().slice(0, 16)}Z), 1 × busy`)).toBe(
    `3 × quota (until ${localTime(at.toISOString())}), 1 × busy`,
  );
});

describe('a task that was pruned', () => {
  it('is shown with what came of it, and nothing that is no longer known', () => {
    const tombstone = { ...messages.tombstone.tombstone, title: 'Fix the greeting' };
    const lines = describeTask(tombstoneJson(tombstone), nameOf).split('\n');
    expect(lines.slice(0, 2)).toEqual([`${tombstone.task.slice(0, 16)}  failed: the tests fail`, 'Fix the greeting']);
    expect(lines).toContain('attempts   3');
    expect(lines).toContain('cost       $1.50');
    expect(lines).toContainEqual(expect.stringContaining('more than 30 days ago'));
    expect(lines.filter((line) => /^(?:requires|leader|electors|BIDDER|TRY)/.test(line))).toEqual([]);
  });
});
