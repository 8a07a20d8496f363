import { describe, expect, it } from 'vitest';
import { distributionOf, histogram } from '../../../scripts/simulate/distribution.ts';
import { bytes, clock, duration } from '../../../scripts/simulate/format.ts';
import { reportOf } from '../../../scripts/simulate/report.ts';
import { actualSchedule, idealSchedule } from '../../../scripts/simulate/schedule.ts';
import { summaryOf } from '../../../scripts/simulate/summary.ts';
import { exitCodeOf } from '../../../scripts/simulate/violations.ts';
import type { RunResult } from '../../sim/result.ts';
import { attempt, optionsOf, resultOf, stuck, taskOf, unsafe } from './sample.ts';

const reported = (fields: Partial<RunResult>): string => {
  const result = resultOf(fields);
  return reportOf(summaryOf(optionsOf(), result), result);
};

describe('figures', () => {
  it('are values that occurred', () => {
    const figures = distributionOf([4, 1, 3, 2]);
    expect(figures).toEqual({ count: 4, mean: 2.5, p50: 2, p90: 4, p99: 4, max: 4 });
    expect(distributionOf([])).toBeNull();
  });

  it('fall into buckets from the first that holds something to the last', () => {
    const lines = histogram([2, 25, 25, 30]);
    expect(lines.map((line) => line.replaceAll(/[█▏▎▍▌▋▊▉ ]+/g, ' '))).toEqual(['≤ 3 ms 1', '≤ 10 ms 0', '≤ 30 ms 3']);
    expect(lines[2]?.match(/█/g)).toHaveLength(40);
    expect(histogram([])).toEqual([]);
  });

  it('are written as people read them', () => {
    expect([0.4, 12.3, 1_234, 119_000, 450_000, 9e6].map(duration)).toEqual([
      ...['0.4 ms', '12 ms', '1.2 s', '119 s', '7.5 min', '2.5 h'],
    ]);
    expect([754_567, 3_723_004].map(clock)).toEqual(['12:34.567', '1:02:03.004']);
    expect([0, 999, 1_240, 3_700_000].map(bytes)).toEqual(['0 B', '999 B', '1.2 kB', '3.7 MB']);
  });
});

describe('the ideal schedule', () => {
  const tasks = [
    taskOf({ workMs: 10_000, attempts: [attempt(1, 'ada', 1_000, 11_000)], endedMs: 11_000 }),
    taskOf({ workMs: 10_000, attempts: [attempt(1, 'ada', 11_000, 21_000)], endedMs: 21_000 }),
    taskOf({ workMs: 10_000, attempts: [attempt(1, 'bob', 21_000, 40_000)], endedMs: 40_000 }),
  ];

  it('takes tasks as they came, each on the peer that is free first', () => {
    expect(idealSchedule(resultOf({ tasks }))).toEqual({
      makespanMs: 20_000,
      meanWaitMs: 10_000 / 3,
      utilisation: 30_000 / 40_000,
    });
    expect(actualSchedule(resultOf({ tasks }))).toEqual({
      makespanMs: 40_000,
      meanWaitMs: 11_000,
      utilisation: 30_000 / 80_000,
    });
  });

  it('has nothing to say of tasks that nobody worked on', () => {
    expect(idealSchedule(resultOf({ tasks: [taskOf({ state: 'cancelled', attempts: [] })] }))).toBeNull();
  });
});

describe('the report', () => {
  it('tells what became of tasks and attempts', () => {
    const attempts = [attempt(1, 'ada', 200, 5_000, 'lapsed'), attempt(2, 'bob', 6_000, 60_000)];
    const text = reported({
      tasks: [
        taskOf({ attempts }),
        taskOf({ state: 'cancelled', attempts: [] }),
        taskOf({ state: 'open', attempts: [] }),
      ],
      failoversMs: [1_000],
    });
    expect(text).toContain('1 done, 0 failed, 1 cancelled, 1 open');
    expect(text).toContain('2 more than asked for: people submit some twice, or for another round');
    expect(text).toContain('2 attempts, 1 reassignment: 1 done, 1 lapsed');
    expect(text).toMatch(/Submit → start +p50 200 ms/);
    expect(text).toMatch(/Failover +p50 1 s/);
    expect(text).toMatch(/0 violations$/);
  });

  it('tells the failovers that had no majority to wait for from those that had', () => {
    const text = reported({ failoversMs: [1_000], headlessFailoversMs: [60_000, 90_000] });
    expect(text).toMatch(/Failover +p50 1 s .* of 1\n/);
    expect(text).toContain('and 2 after a while without a majority of the electors: p50 60 s   p90 90 s');
  });

  it('leaves out what was not measured or did not happen', () => {
    const text = reported({});
    expect(text).not.toMatch(/Traffic|Faults|Named events/);
    expect(text).toMatch(/Failover +none/);
  });

  it('tells traffic by peer, by task and when idle', () => {
    const traffic = {
      messages: 1_000,
      bytes: 50_000,
      messagesByPeer: { ada: 600, bob: 400 },
      bytesByPeer: { ada: 30_000, bob: 20_000 },
      idleBytesPerPeerPerSecond: 100,
      idleMessagesPerPeerPerSecond: 2,
    };
    const result = resultOf({ traffic });
    const summary = summaryOf(optionsOf(), result);
    // 120 s of 2 idle peers are 480 of the messages.
    expect(summary.traffic?.messagesPerPeerPerTask).toBe(260);
    expect(reportOf(summary, result)).toMatch(/per peer +500 messages +25 kB\n +busiest peer +600 messages +30 kB/);
  });

  it('ends, where a promise was broken, with what happened and the one command that shows it again', () => {
    const text = reported({ violations: [unsafe], lastEvents: ['61000 ada lease won', '61234 bob opened #2'] });
    expect(text).toContain('I3 at 1:01.234: two pull requests for one key');
    expect(text).toContain('  61234 bob opened #2');
    expect(text.split('\n').at(-1)).toBe(
      '  npm run simulate -- --seed 7 --profile rough --peers 2 --tasks 1 --minutes 1',
    );
  });
});

it.each([
  [0, []],
  [1, [unsafe]],
  [4, [stuck]],
  [1, [stuck, unsafe]],
])('exits %i by the class of what was violated', (code, violations) => {
  expect(exitCodeOf(violations)).toBe(code);
});
