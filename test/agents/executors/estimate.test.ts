import { expect, test } from 'vitest';
import { estimateOf } from '../../../src/agents/executors/estimate.ts';

const asking = (asked: object) => estimateOf(Buffer.from(JSON.stringify(asked)));
const asked = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100_000,
  messages: [{ role: 'user', content: 'x'.repeat(3e6) }],
};
const inputTokens = Math.ceil(JSON.stringify(asked).length / 3);

test('a call may use as many tokens as its request is long, and as it asks for, at the prices of its model', () => {
  const { most } = asking(asked);
  expect(most).toMatchObject({ inputTokens, outputTokens: 100_000 });
  expect(most.costUsd).toBeCloseTo((inputTokens * 2 + 100_000 * 10) / 1e6, 10);
});

test('haste and a place are dearer', () => {
  const [usual, dear] = [asking(asked), asking({ ...asked, speed: 'fast', inference_geo: 'us' })];
  expect(dear.most.costUsd / usual.most.costUsd).toBeCloseTo(6.6, 2);
});

test('a stream is written no longer than it is heard, and what comes in one piece to its end', () => {
  expect(asking(asked).writtenIn(1_000)).toBe(100_000);
  const stream = asking({ ...asked, stream: true });
  expect(stream.writtenIn(1_000)).toBe(250);
  expect(stream.writtenIn(3_600_000)).toBe(100_000);
  expect(stream.usage(250)).toMatchObject({ outputTokens: 250 });
});

test.each([
  ['is no JSON', Buffer.from('{"model":')],
  ['asks for nothing that is known', Buffer.from('{"model":1,"max_tokens":"all"}')],
  ['is too long to be read', Buffer.from(`{"model":"claude-haiku-5-5","max_tokens":1,"x":"${'x'.repeat(2 ** 24)}"}`)],
])('a request that %s may cost as much as any', (_, body) => {
  const { most } = estimateOf(body);
  expect(most.outputTokens).toBe(128_000);
  expect(most.costUsd).toBeGreaterThanOrEqual(16);
});
