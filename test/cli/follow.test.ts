import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { follow } from '../../src/cli/follow.ts';
import { printSubmitted } from '../../src/cli/submitted.ts';
import { ControlClient } from '../../src/peer/control/client.ts';
import { taskJson } from '../../src/peer/control/json.ts';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { type CommitId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import { assign, cancel, endAttempt, initialState } from '../../src/protocol/state.ts';
import { alpha, beta, FakeService, makeView } from '../peer/control/fake-service.ts';
import { waitFor } from '../support/wait.ts';
import { World } from './world.ts';

const view = makeView('Fix the greeting');
const story = (event: string, detail: string) => ({ at: wallMs(1_000), by: alpha, event, detail });
const answers = [
  {
    peer: beta,
    answer: { type: 'bid', score: 0.85, parts: { specialty: 1, freeSlots: 1, warm: 0, success: 0.5 } },
  },
  { peer: alpha, answer: { type: 'decline', reason: 'busy', detail: '1 of 1 slots', until: null } },
] as const;
const assigned = {
  ...view,
  state: assign(initialState, beta, wallMs(1_000)),
  answers,
  story: [story('assigned', 'attempt 1 to beta; beta bid 0.85, alpha declined: busy')],
};
const result = { branch: 'peer/task-1', commit: 'a'.repeat(40) as CommitId, pullRequest: null };
const done = {
  ...assigned,
  state: endAttempt(assigned.state, { type: 'done', result }, wallMs(2_000)),
  story: [...assigned.story, story('ended', 'attempt 1 done')],
};

let folder = '';
let service: FakeService;
let server: ControlServer;
let client: ControlClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'follow-'));
  service = new FakeService(view);
  server = await serveControl(service, join(folder, 's'), () => {});
  client = new ControlClient(join(folder, 's'));
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const isFollowed = () => waitFor('somebody follows', () => service.listeners.size > 0);

describe('following a task', () => {
  it('tells its life once, and ends with it', async () => {
    using world = new World();
    const followed = follow(world.context(), client, view.task.id, false);
    await isFollowed();
    service.change(assigned);
    service.change({ ...assigned, progress: { at: wallMs(1_500), text: 'working', costUsd: null } });
    await waitFor('progress', () => world.stdout.some((line) => line.includes('working')));
    service.change(done);
    await followed;
    expect(world.stdout.map((line) => line.replace(/^\d\d:\d\d:\d\d/, 'TIME'))).toEqual([
      'TIME  assigned    attempt 1 to beta',
      '                      beta bids 0.85 (specialty 1.00, freeSlots 1.00, warm 0.00, success 0.50)',
      '                      alpha declines: busy (1 of 1 slots)',
      'TIME  progress    beta: working',
      'TIME  ended       attempt 1 done',
      'done: branch peer/task-1 at aaaaaaaaaa',
    ]);
    expect(world.code).toBe(0);
  });

  it('as JSON: one event a line, the task last', async () => {
    using world = new World();
    service.change(done);
    await follow(world.context(), client, view.task.id, true);
    const lines = world.stdout.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ event }) => event)).toEqual(['assigned', 'ended', undefined]);
    expect(lines.at(-1)).toEqual(JSON.parse(JSON.stringify(taskJson(done))));
  });

  it.each([
    [
      'has failed',
      endAttempt(assigned.state, { type: 'failed', reason: 'no way', final: true }, wallMs(2)),
      1,
      'failed: no way',
    ],
    [
      'is done, but not verified',
      endAttempt(assigned.state, { type: 'done', result: { ...result, verified: false } }, wallMs(2)),
      0,
      `done: branch peer/task-1 at aaaaaaaaaa, not ready: its tests fail (\`peer logs ${view.task.id.slice(0, 8)}\`)`,
    ],
    ['was cancelled', cancel(initialState, 'enough', null, wallMs(2)), 3, 'cancelled: enough'],
  ])('ends with its own code where it %s', async (_, state, code, line) => {
    using world = new World();
    service.change({ ...view, state });
    await follow(world.context(), client, view.task.id, false);
    expect([world.code, world.stdout.at(-1)]).toEqual([code, line]);
  });

  it('is carried over to the task that this one is a duplicate of, once it is known here', async () => {
    using world = new World();
    const winner = { ...makeView('the winner'), state: done.state };
    service.change({ ...view, state: cancel(initialState, 'duplicate', winner.task.id, wallMs(2)) });
    const followed = follow(world.context(), client, view.task.id, false);
    // The first time for the task itself, from then on for the one that is not known.
    await waitFor('it is looked for', () => service.subscribed > 1);
    service.change(winner);
    await followed;
    expect(world.stdout.join('\n')).toContain(`the same as task ${winner.task.id.slice(0, 8)}`);
    expect(world.code).toBe(0);
  });

  it('says that it has stalled, once, though nothing of it has changed but who can be reached', async () => {
    using world = new World();
    const electors = view.electors.map((one) => ({ ...one, reachable: true }));
    const waits = { ...assigned, story: [...assigned.story, story('stalled', '1 × busy')], stalled: '1 × busy' };
    service.change({ ...waits, electors });
    const followed = follow(world.context(), client, view.task.id, false);
    await waitFor('it waits', () => world.stdout.some((line) => line.endsWith('stalled     1 × busy')));
    service.views.set(view.task.id, { ...waits, stalled: '1 of 2 electors unreachable' });
    const mend = `; should they be gone for good: \`peer adopt ${view.task.id.slice(0, 8)}\``;
    service.emit({ type: 'peer-down', peer: beta, name: 'beta' });
    await waitFor('it stalls', () => world.stdout.some((line) => line.endsWith(`1 of 2 electors unreachable${mend}`)));
    service.emit({ type: 'peer-down', peer: beta, name: 'beta' });
    service.change(done);
    await followed;
    expect(world.stdout.filter((line) => line.includes('unreachable'))).toHaveLength(1);
  });

  it('that waits for a specialty says how to give it to a PC', async () => {
    using world = new World();
    const why = '2 × requires (rust)';
    const electors = view.electors.map((one) => ({ ...one, reachable: true }));
    service.change({ ...view, electors, story: [story('stalled', why)], stalled: why });
    const followed = follow(world.context(), client, view.task.id, false);
    await waitFor('the mend', () =>
      world.stdout.some((line) => line.includes(`${why}; \`peer start --specialties rust`)),
    );
    service.change(done);
    await followed;
    expect(world.stdout.filter((line) => line.includes(why))).toHaveLength(1);
  });

  it('tells in the order of time what comes together, and never goes back', async () => {
    using world = new World();
    const at = (seconds: number) => wallMs(new Date(2026, 0, 1, 10, 0, seconds).getTime());
    const saved = { at: at(3), by: alpha, event: 'checkpoint', detail: 'attempt 1 has saved aaaa' };
    service.change({ ...assigned, story: [saved], progress: { at: at(4), text: 'working', costUsd: null } });
    const followed = follow(world.context(), client, view.task.id, false);
    await waitFor('progress', () => world.stdout.some((line) => line.includes('working')));
    const late = { at: at(2), by: alpha, event: 'ended', detail: 'attempt 1 done' };
    service.change({ ...done, story: [saved, late] });
    await followed;
    expect(world.stdout.slice(0, -1)).toEqual([
      '10:00:03  checkpoint  attempt 1 has saved aaaa',
      '10:00:04  progress    beta: working',
      '10:00:04  ended       attempt 1 done',
    ]);
  });

  it('tells a long reason once, clipped, with where there is more', async () => {
    using world = new World();
    const reason = `the command ended with 1: ${'x'.repeat(400)}`;
    const state = endAttempt(assigned.state, { type: 'failed', reason, final: true }, wallMs(2_000));
    service.change({ ...assigned, state, story: [story('ended', `attempt 1 failed: ${reason}`)] });
    await follow(world.context(), client, view.task.id, false);
    const short = view.task.id.slice(0, 8);
    const [told = '', last = ''] = world.stdout;
    expect(told).toMatch(new RegExp(`x… \\(\`peer logs ${short} --attempt 1\` says more\\)$`));
    expect(last).toMatch(new RegExp(`^failed: the command.*x… \\(\`peer task ${short}\` has the whole of it\\)$`));
    expect(Math.max(told.length, last.length)).toBeLessThan(280);
  });

  it('survives a restart of the peer', async () => {
    using world = new World();
    const followed = follow(world.context(), client, view.task.id, false);
    await isFollowed();
    await server.close();
    service = new FakeService(assigned);
    server = await serveControl(service, join(folder, 's'), () => {});
    await isFollowed();
    service.change(done);
    await followed;
    expect(world.stdout.filter((line) => line.includes('assigned'))).toHaveLength(1);
    expect(world.code).toBe(0);
  });

  it('ends with 4 and the mend where the peer stays away', async () => {
    using world = new World();
    const followed = follow(world.context(), client, view.task.id, false);
    await isFollowed();
    const failing = expect(followed).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/the peer on this PC has gone.*`peer start`/),
    });
    await server.close();
    await failing;
    server = await serveControl(service, join(folder, 's'), () => {});
  }, 15_000);
});

describe('following a task that is not known here', () => {
  it('is given up with what is the matter', async () => {
    using world = new World();
    const other = makeView('another').task.id;
    await expect(follow(world.context(), client, other, false)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/has not heard of task/),
    });
  }, 15_000);
});

describe('what became of a submission', () => {
  const open = taskJson(view);
  const ended = taskJson(done);

  it('the id alone on stdout', () => {
    using world = new World();
    const reply = { type: 'submitted', task: view.task.id, view: open } as const;
    expect(printSubmitted(world.context(), reply, {})).toBeNull();
    expect(world.stdout).toEqual([open.id]);
    const short = open.id.slice(0, 8);
    expect(world.stderr).toEqual([`submitted: Fix the greeting; \`peer task ${short}\` tells how it is`]);
    expect(printSubmitted(world.context(), reply, { follow: true })).toBe(open);
  });

  it('as JSON', () => {
    using world = new World();
    printSubmitted(world.context(), { type: 'submitted', task: view.task.id, view: open }, { json: true });
    expect(JSON.parse(world.stdout[0] ?? '')).toEqual({
      id: open.id,
      key: 'prompt:one',
      state: 'open',
      electors: [alpha, beta],
      reply: 'submitted',
    });
    expect(world.code).toBeNull();
  });

  it('pending: how far it is, and exit 1', () => {
    using world = new World();
    const reply = { type: 'pending', task: view.task.id, stored: 1, electors: 3, view: open } as const;
    expect(printSubmitted(world.context(), reply, { follow: true })).toBeNull();
    expect([world.stdout, world.code]).toEqual([[`pending ${open.id}, 1 of 3 electors`], 1]);
  });

  it('its key has an open task: that one is followed', () => {
    using world = new World();
    const reply = { type: 'existing', ended: false, task: view.task.id, view: open } as const;
    expect(printSubmitted(world.context(), reply, { follow: true })).toBe(open);
    expect(world.stdout).toEqual([`already submitted ${open.id.slice(0, 8)}: Fix the greeting`]);
  });

  it('its key has a task that ended: its result, and its code', () => {
    using world = new World();
    const reply = { type: 'existing', ended: true, task: view.task.id, view: ended } as const;
    expect(printSubmitted(world.context(), reply, { follow: true })).toBeNull();
    expect(world.stdout).toEqual([
      `${ended.id.slice(0, 8)} has ended, done: branch peer/task-1 at aaaaaaaaaa (for another round: --again)`,
    ]);
    expect([world.code, world.stderr]).toEqual([0, []]);
  });

  it('refused: why', () => {
    using world = new World();
    expect(() => printSubmitted(world.context(), { type: 'refused', reason: 'no peer answered' }, {})).toThrow(
      'not submitted, no peer answered: try again',
    );
    const unknown = { type: 'submitted', task: 'f'.repeat(64) as TaskId } as const;
    expect(() => printSubmitted(world.context(), unknown, {})).toThrow('not known here yet');
  });
});
