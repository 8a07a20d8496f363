import { expect, test } from 'vitest';
import type { ExecutorEvent } from '../../../src/agents/executors/executor.ts';
import { Meter } from '../../../src/agents/executors/meter.ts';

const usage = (costUsd: number, tokens = costUsd * 1_000) => ({
  inputTokens: tokens,
  outputTokens: tokens / 10,
  costUsd,
});
function meterOf(limitUsd: number | null) {
  const events: ExecutorEvent[] = [];
  return { meter: new Meter(limitUsd, (event) => events.push(event)), last: () => events.at(-1), events };
}
const failed = { type: 'failed', reason: 'it went wrong' };

test('adds up calls that are under way at once, each by what it has told last', () => {
  const { meter, last } = meterOf(10);
  const [one, other] = [meter.begin(), meter.begin()];
  one(usage(1));
  other(usage(2));
  one(usage(3));
  expect(last()).toEqual({ type: 'usage', ...usage(5) });
});

test('never tells less than before, whatever a call or the agent says', () => {
  const { meter, last } = meterOf(10);
  const call = meter.begin();
  call(usage(2));
  call(usage(1));
  meter.hear(usage(1));
  expect(last()).toMatchObject({ costUsd: 2 });
  meter.hear(usage(3));
  meter.hear(usage(1));
  expect(last()).toMatchObject({ costUsd: 3 });
});

test('of what has passed and what the agent tells, the larger counts, figure by figure', () => {
  const { meter, last } = meterOf(10);
  meter.begin()(usage(2, 100));
  meter.hear(usage(1, 500));
  expect(last()).toEqual({ type: 'usage', inputTokens: 500, outputTokens: 50, costUsd: 2 });
});

test('refuses calls once the limit is reached, by what has passed alone', () => {
  const { meter } = meterOf(2);
  const call = meter.begin();
  meter.hear(usage(100));
  call(usage(1.99));
  expect(meter.refuse()).toBeNull();
  call(usage(2.5));
  expect(meter.refuse()).toBe('the budget of $2.00 is spent ($2.50)');
});

test('a run that was refused a call has failed for that, and no other', () => {
  const { meter } = meterOf(1);
  meter.begin()(usage(1));
  expect(meter.check(failed)).toBe(failed);
  const reason = meter.refuse();
  expect(meter.check(failed)).toEqual({ type: 'failed', reason });
  for (const outcome of [{ type: 'finished' }, { type: 'interrupted' }, { type: 'quota' }]) {
    expect(meter.check(outcome)).toBe(outcome);
  }
});

test('where nobody is billed, tokens are told and nothing has a price or an end', () => {
  const { meter, last } = meterOf(null);
  meter.begin()(usage(1_000));
  expect(last()).toMatchObject({ inputTokens: 1_000_000, costUsd: null });
  expect(meter.refuse()).toBeNull();
});
