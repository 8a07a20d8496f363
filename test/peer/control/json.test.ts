import { describe, expect, it } from 'vitest';
import { peerJson, statusJson, taskJson } from '../../../src/peer/control/json.ts';
import { peerJsonSchema, statusJsonSchema, taskJsonSchema } from '../../../src/peer/control/shapes.ts';
import type { BlobId, CommitId, HostId, TaskId } from '../../../src/protocol/ids.ts';
import { wallMs } from '../../../src/protocol/ids.ts';
import { repositoryText } from '../../../src/protocol/record.ts';
import { assign, cancel, endAttempt, initialState, saveCheckpoint } from '../../../src/protocol/state.ts';
import { alpha, beta, FakeService, makeView } from './fake-service.ts';

const commit = 'a'.repeat(40) as CommitId;
const assigned = assign(initialState, beta, wallMs(2_000));

describe('a task as JSON', () => {
  it('has every field of the contract when it is new', () => {
    const { id, ...json } = taskJson(makeView('Fix the greeting'));
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(json).toEqual({
      key: 'prompt:one',
      round: 1,
      retryOf: null,
      retriedAs: null,
      title: 'Fix the greeting',
      state: 'open',
      reason: null,
      duplicateOf: null,
      priority: 'normal',
      repository: '/repos/greeting',
      requires: ['backend'],
      requiresReason: 'label backend',
      submitter: alpha,
      createdAt: '1970-01-01T00:00:01.000Z',
      leader: null,
      worker: null,
      attempt: 0,
      generation: { number: 0, forced: false },
      electors: [
        { peer: alpha, name: 'alpha', reachable: true },
        { peer: beta, name: 'beta', reachable: false },
      ],
      bids: [],
      attempts: [],
      costUsd: null,
      budgetUsd: null,
      progress: null,
      result: null,
      stalled: null,
      cancelPending: false,
      history: [],
    });
  });

  it('puts the best bid first and those that declined last, with the reason and when it ends', () => {
    const parts = { specialty: 1, freeSlots: 1, warm: 0, success: 0.5 };
    const answers = [
      { peer: alpha, answer: { type: 'decline', reason: 'quota', detail: null, until: wallMs(60_000) } },
      { peer: beta, answer: { type: 'bid', score: 0.25, parts } },
      { peer: alpha, answer: { type: 'bid', score: 0.75, parts } },
      { peer: beta, answer: { type: 'decline', reason: 'requires', detail: 'frontend', until: null } },
    ] as const;
    expect(taskJson(makeView('t', { answers })).bids).toEqual([
      { peer: alpha, score: 0.75, parts, declined: null },
      { peer: beta, score: 0.25, parts, declined: null },
      { peer: alpha, score: 0, parts: {}, declined: 'quota until 1970-01-01T00:01:00.000Z' },
      { peer: beta, score: 0, parts: {}, declined: 'requires (frontend)' },
    ]);
  });

  it('names the current worker and attempt, and keeps the last ones when the attempt has ended', () => {
    expect(taskJson(makeView('t', { state: assigned }))).toMatchObject({ state: 'assigned', worker: beta, attempt: 1 });
    const lapsed = endAttempt(assigned, { type: 'lapsed', reason: 'silence' }, wallMs(3_000), 0.5);
    expect(taskJson(makeView('t', { state: lapsed }))).toMatchObject({
      state: 'open',
      worker: beta,
      attempt: 1,
      attempts: [
        {
          number: 1,
          worker: beta,
          startedAt: '1970-01-01T00:00:02.000Z',
          endedAt: '1970-01-01T00:00:03.000Z',
          outcome: 'lapsed',
          reason: 'silence',
          costUsd: 0.5,
          checkpoints: [],
        },
      ],
    });
  });

  it('tells what each attempt has cost and all together, with the one under way', () => {
    const lapsed = endAttempt(assigned, { type: 'lapsed', reason: 'silence' }, wallMs(3_000), 0.1);
    const again = assign(lapsed, beta, wallMs(4_000));
    const progress = { text: 'at work', costUsd: 0.2, at: wallMs(5_000) };
    const costs = (more: Parameters<typeof makeView>[1], budgetUsd: number | null = null) => {
      const json = taskJson(makeView('t', more, { limits: { wallMs: 1, idleMs: 1, budgetUsd } }));
      return [json.attempts.map(({ costUsd }) => costUsd), json.costUsd, json.budgetUsd];
    };
    expect(costs({ state: again, progress }, 2)).toEqual([[0.1, 0.2], 0.3, 2]);
    expect(costs({ state: again })).toEqual([[0.1, null], 0.1, null]);
    const done = endAttempt(again, { type: 'refused', reason: 'no' }, wallMs(6_000));
    expect(costs({ state: done, progress })).toEqual([[0.1, null], 0.1, null]);
    expect(costs({ state: assigned })).toEqual([[null], null, null]);
    expect(costs({ state: assigned, progress: { ...progress, costUsd: 0 } })).toEqual([[0], 0, null]);
  });

  it('tells what each attempt has saved', () => {
    const checkpoint = {
      ...{ blob: 'b'.repeat(64) as BlobId, bytes: 9, base: commit, commit, attempt: 1, number: 1 },
      ...{ finished: false, session: 'command', at: wallMs(2_500) },
    };
    expect(taskJson(makeView('t', { state: saveCheckpoint(assigned, checkpoint) })).attempts[0]?.checkpoints).toEqual([
      { commit, at: '1970-01-01T00:00:02.500Z', number: 1, finished: false },
    ]);
  });

  it.each([
    [null, null],
    [
      { number: 4, url: 'https://x/4', state: 'open', extra: 1 } as const,
      { number: 4, url: 'https://x/4', state: 'open' },
    ],
  ])('tells the result of one that is done (%#)', (pullRequest, expected) => {
    const outcome = { type: 'done', result: { branch: 'peer/issue-4', commit, pullRequest } } as const;
    const json = taskJson(makeView('t', { state: endAttempt(assigned, outcome, wallMs(3_000)) }));
    expect(json).toMatchObject({ state: 'done', reason: null });
    expect(json.result).toEqual({ branch: 'peer/issue-4', commit, pullRequest: expected, verified: null });
  });

  it('says why it failed, and of what it was a duplicate', () => {
    const failed = endAttempt(assigned, { type: 'failed', reason: 'branch-taken', final: true }, wallMs(3_000));
    expect(taskJson(makeView('t', { state: failed }))).toMatchObject({ state: 'failed', reason: 'branch-taken' });
    const winner = 'f'.repeat(64) as TaskId;
    const cancelled = cancel(assigned, 'duplicate', winner, wallMs(3_000));
    expect(taskJson(makeView('t', { state: cancelled }))).toMatchObject({ state: 'cancelled', duplicateOf: winner });
  });

  it('is what its schema says, and so is the status', () => {
    const service = new FakeService(makeView('t', { state: assigned }));
    const status = statusJson(service);
    expect(statusJsonSchema.strict().parse(status)).toEqual(status);
    for (const task of status.tasks) expect(taskJsonSchema.strict().parse(task)).toEqual(task);
    expect(status).toMatchObject({
      peer: alpha,
      name: 'alpha',
      mesh: 'home',
      addresses: service.addresses(),
      refused: [],
      spend: { day: '2024-10-04', hereUsd: 1.5, meshUsd: 2.25, dailyBudgetUsd: 5, meshDailyBudgetUsd: null },
      peers: [{ spentTodayUsd: 1.5 }, { spentTodayUsd: null }],
    });
  });
});

it('shows a peer with whole milliseconds and ISO times', () => {
  const [, other] = new FakeService().peers();
  const json = other && peerJson(other);
  expect(peerJsonSchema.strict().parse(json)).toEqual({
    peer: beta,
    name: 'beta',
    self: false,
    specialties: ['general'],
    capacity: 1,
    running: 0,
    executor: null,
    sandbox: null,
    unavailable: { until: '1970-01-01T00:00:05.000Z', reason: 'quota' },
    lastSeenMs: 1_235,
    connected: false,
    version: '0.1.0',
    spentTodayUsd: null,
  });
});

it.each([
  [{ type: 'github', owner: 'acme', name: 'widgets' } as const, 'acme/widgets'],
  [{ type: 'git', url: 'ssh://host/r.git' } as const, 'ssh://host/r.git'],
  [{ type: 'path', path: '/r', host: 'h' as HostId } as const, '/r'],
])('writes a repository as a person would', (repository, text) => {
  expect(repositoryText(repository)).toBe(text);
});
