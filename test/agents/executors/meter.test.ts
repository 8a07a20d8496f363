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
  const [one, other] = [meter.begin(0), meter.begin(0)];
  one.tell(usage(1));
  other.tell(usage(2));
  one.tell(usage(3));
  expect(last()).toEqual({ type: 'usage', ...usage(5) });
});

test('never tells less than before, whatever a call says', () => {
  const { meter, last } = meterOf(10);
  const call = meter.begin(0);
  call.tell(usage(2));
  call.tell(usage(1));
  expect(last()).toMatchObject({ costUsd: 2 });
});

test('refuses calls once the limit is reached, by what was told alone', () => {
  const { meter } = meterOf(2);
  const call = meter.begin(100);
  call.tell(usage(1.99));
  expect(meter.refuse()).toBeNull();
  call.tell(usage(2.5));
  expect(meter.refuse()).toBe('the budget of $2.00 is spent ($2.50)');
});

test('what is left is pledged to the calls under way, by what each may still cost', () => {
  const { meter, events } = meterOf(5);
  const [one, other] = [meter.begin(3), meter.begin(2)];
  expect(meter.isPledged).toBe(true);
  expect(events).toEqual([]);
  one.tell(usage(1));
  expect(meter.isPledged).toBe(true);
  one.end();
  expect(meter.isPledged).toBe(false);
  other.tell(usage(4));
  expect(meter.isPledged).toBe(true);
});

test('a run that was refused a call has failed for that, and no other', () => {
  const { meter } = meterOf(1);
  meter.begin(0).tell(usage(1));
  expect(meter.check(failed)).toBe(failed);
  const reason = meter.refuse();
  expect(meter.check(failed)).toEqual({ type: 'failed', reason });
  for (const outcome of [{ type: 'finished' }, { type: 'interrupted' }, { type: 'quota' }]) {
    expect(meter.check(outcome)).toBe(outcome);
  }
});

test('where nobody is billed, tokens are told and nothing has a price or an end', () => {
  const { meter, last } = meterOf(null);
  meter.begin(9).tell(usage(1_000));
  expect(last()).toMatchObject({ inputTokens: 1_000_000, costUsd: null });
  expect(meter.refuse()).toBeNull();
  expect(meter.isPledged).toBe(false);
});
