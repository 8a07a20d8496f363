import { describe, expect, it } from 'vitest';
import type { AgentReport, Job } from '../../../src/protocol/agent.ts';
import { runIdOf, type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import { signTask } from '../../../src/protocol/record.ts';
import { assign, endAttempt, initialState, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation, PeerChange } from '../observation.ts';
import { draftOf } from '../script.ts';
import { peerIdOf } from '../world.ts';
import { found as foundByAll } from './histories.ts';

const day = 7;
const peer = 'alpha';
const task = signTask(
  {
    ...draftOf({ limits: { wallMs: 1, idleMs: 1, budgetUsd: 1 } }),
    ...{ format: 1, round: 1, submitter: peerIdOf(peer), createdAt: wallMs(1), nonce: '0123456789abcdef' },
    electorate: [peerIdOf(peer)],
  },
  () => new Uint8Array(64),
);
const run = runIdOf(task.id, 1);
const otherRun = runIdOf('f'.repeat(64) as TaskId, 1);

/** No history here says who had assigned an attempt. */
const found = (...history: readonly Observation[]): readonly string[] =>
  foundByAll(...history).filter((invariant) => invariant !== 'I6');

interface At {
  readonly at?: number;
  readonly wall?: number;
  readonly dailyUsd?: number | null;
}
const means = ({ at = 0, wall = at, dailyUsd = null }: At) => ({ at, peer, wallMs: wall, day, dailyUsd });

const told = (report: AgentReport, when: At = {}, of = run): Observation => ({
  ...means(when),
  ...{ type: 'told', run: of, report },
});
const tells = (costUsd: number, when: At = {}): Observation => told({ type: 'progress', text: '', costUsd }, when);
const spends = (usd: number, when: At = {}, of = run): Observation => ({ ...means(when), type: 'spent', run: of, usd });
const counts = (usd: number, at = 0): Observation => ({ at, peer, type: 'counted', day, usd });
const befalls = (change: PeerChange, at = 0): Observation => ({ at, peer, type: 'peer', change, leases: 0 });
const quota = (until: number | null): AgentReport => ({
  ...{ type: 'quota', until: until === null ? null : wallMs(until), reason: 'limit', costUsd: null },
});

const starts = (fields: Partial<Job> = {}, when: At = {}): Observation => {
  const job: Job = {
    ...{ run, task, attempt: 1, publication: null, checkpoint: null, holders: [], spendableUsd: 1, earlierCostUsd: 0 },
    ...fields,
  };
  return { ...means(when), type: 'agent-started', job, running: 1, capacity: 1 };
};

describe('I11', () => {
  it('is broken by an attempt that starts before the quota is back', () => {
    const limited = told(quota(60_000));
    expect(found(limited, starts({}, { at: 60_000 }))).toEqual([]);
    expect(found(limited, starts({}, { at: 59_999 }))).toEqual(['I11']);
    expect(found(told(quota(null)), starts({}, { at: 14 * 60_000 }))).toEqual(['I11']);
    expect(found(told(quota(null)), starts({}, { at: 15 * 60_000 }))).toEqual([]);
  });

  it('is broken after a restart too, by what was on the disk', () => {
    const kept: Observation = { at: 0, peer, type: 'limited', untilMs: 60_000 };
    const restart = [befalls('crashed', 1), befalls('started', 2)];
    expect(found(told(quota(60_000)), kept, ...restart, starts({}, { at: 100 }))).toEqual(['I11']);
    expect(found(told(quota(60_000)), ...restart, starts({}, { at: 100 }))).toEqual([]);
  });

  it('is broken by one that starts when the day’s budget is spent, or with more than is left of it', () => {
    const when = { dailyUsd: 2 };
    const spent = (usd: number): readonly Observation[] => [spends(usd), tells(usd, when), counts(usd)];
    expect(found(...spent(1.5), starts({ spendableUsd: 0.5 }, when))).toEqual([]);
    expect(found(...spent(1.5), starts({ spendableUsd: 0.6 }, when))).toEqual(['I11']);
    expect(found(...spent(2), starts({ spendableUsd: 0 }, when))).toEqual(['I11']);
  });

  it('is broken by what still spends five seconds later', () => {
    const limited = told(quota(60_000), {}, otherRun);
    expect(found(limited, spends(0.1, { at: 5_000 }))).toEqual([]);
    expect(found(limited, spends(0.1, { at: 5_001 }))).toEqual(['I11']);
    expect(found(limited, spends(0.1, { at: 60_000 }))).toEqual([]);
  });
});

describe('I12', () => {
  it('is kept by what is counted as it is told', () => {
    expect(found(spends(0.1), tells(0.1), counts(0.1), spends(0.2), tells(0.3), counts(0.3), tells(0.3))).toEqual([]);
  });

  it('is broken by what counts twice, and by what was never told', () => {
    expect(found(spends(0.3), tells(0.1), counts(0.1), tells(0.3), counts(0.4))).toContain('I12');
    expect(found(spends(0.3), counts(0.1))).toEqual(['I12']);
  });

  it('is broken by what is not durable by the next report', () => {
    expect(found(spends(0.3), tells(0.1), tells(0.3))).toEqual(['I12']);
  });

  it('lets a crash lose the last report, and no more', () => {
    expect(found(spends(0.3), tells(0.1), counts(0.1), tells(0.3), befalls('crashed'))).toEqual([]);
    const lost = [spends(0.3), tells(0.1), counts(0.1), tells(0.3), counts(0.05), befalls('crashed')];
    expect(found(...lost)).toEqual(['I12']);
  });

  it('lets it lose one call of each run that nobody had told of, and more where the process stood still', () => {
    const killed: Observation = { at: 9, peer, type: 'agent-ended', run, how: 'killed' };
    expect(found(spends(0.1), killed)).toEqual([]);
    expect(found(spends(0.1), spends(0.2), killed)).toEqual(['I12']);
    expect(found(befalls('paused'), spends(0.1), spends(0.2), killed)).toEqual([]);
  });

  const writes = (value: TaskState, seq: number): Observation => {
    const ballot = { round: 1, peer: peerIdOf(peer), incarnation: 1 };
    const version = { ballot, seq };
    const register = { initial: null, promised: ballot, accepted: { version, valueVersion: version, value } };
    return { at: seq, peer, type: 'register', task: task.id, register };
  };
  const recorded: Observation = { at: 0, peer, type: 'record', task };
  const first = assign(initialState, peerIdOf(peer), wallMs(1));
  const second = (costUsd: number): TaskState =>
    assign(
      endAttempt(first, { type: 'failed', reason: 'no', final: false }, wallMs(2), costUsd),
      peerIdOf(peer),
      wallMs(3),
    );
  const again = (costUsd: number, spendableUsd: number | null): readonly string[] =>
    found(
      recorded,
      ...[spends(0.4), tells(0.4), counts(0.4)],
      ...[writes(first, 1), writes(second(costUsd), 2)],
      starts({ run: runIdOf(task.id, 2), attempt: 2, spendableUsd }),
    );

  it('is broken by an attempt with more than is left of its task’s budget, or with nothing', () => {
    expect(again(0.4, 0.6)).toEqual([]);
    expect(again(0.4, 1)).toEqual(['I12']);
    expect(again(0.4, null)).toEqual(['I12']);
  });

  it('is broken by a register that says more than an attempt has cost', () => {
    expect(again(0.5, 0.5)).toEqual(['I12']);
  });

  it('and I2, by a register whose costs fall', () => {
    expect(found(recorded, writes(second(0.4), 1), writes({ ...second(0.4), spentUsd: 0.3 }, 2))).toEqual(['I2']);
  });

  it('is broken by an attempt of a task whose budget is spent', () => {
    const spent = [spends(1.2), tells(1.2), counts(1.2), writes(first, 1), writes(second(1.2), 2)];
    const start = starts({ run: runIdOf(task.id, 2), attempt: 2, spendableUsd: 0 });
    expect(found(recorded, ...spent, start)).toEqual(['I12']);
  });
});
