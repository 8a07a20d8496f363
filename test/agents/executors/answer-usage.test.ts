import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { usageListener } from '../../../src/agents/executors/answer-usage.ts';
import type { Usage } from '../../../src/agents/executors/usage.ts';
import { eventsOf, messageOf, sse } from '../../support/messages-api/events.ts';
import { says, turn } from '../../support/messages-api/script.ts';

const model = 'claude-sonnet-5-5';
const answer = messageOf(
  turn([says('It says hello now. '.repeat(20))], {
    usage: { input: 1_000, output: 100, cacheWrite: 300, cacheRead: 200 },
  }),
  model,
);
const used = { inputTokens: 1_500, outputTokens: 100 };
const costUsd = (1_000 * 2 + 100 * 10 + 300 * 2.5 + 200 * 0.1) / 1_000_000;
const events = eventsOf(answer).map(sse);
const type = { stream: 'text/event-stream; charset=utf-8', json: 'application/json' };

/** Of an answer that tells nothing. */
const estimate = (outputTokens: number): Usage => ({ inputTokens: 77, outputTokens, costUsd: 7 });
const mostOutput = 40;
const estimated = estimate(mostOutput);

/** What is told of an answer that comes in these pieces; the last is how it stands at its end. */
function heard(contentType: string, pieces: Iterable<string | Buffer>): readonly Usage[] {
  const told: Usage[] = [];
  const listener = usageListener(contentType, { tell: (usage) => void told.push(usage), estimate });
  for (const piece of pieces) listener.hear(typeof piece === 'string' ? Buffer.from(piece) : piece);
  listener.end(mostOutput);
  return told;
}
/** What is left when all that nobody needs any more is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const started = (usage: unknown): string => event('message_start', { message: { model, usage } });
const ended = (usage: unknown): string => event('message_delta', { delta: {}, usage });
const lastOf = (...pieces: readonly string[]): Usage | undefined => heard(type.stream, pieces).at(-1);

describe('a stream', () => {
  test('tells what was asked at its beginning, and what was answered at its end', () => {
    const told = heard(type.stream, events);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({ inputTokens: 1_500, outputTokens: 1 });
    expect(told[1]).toMatchObject(used);
    expect(told[1]?.costUsd).toBeCloseTo(costUsd, 10);
  });

  test.each([1, 7, 64])('may come in pieces of %s bytes', (length) => {
    const whole = Buffer.from(events.join(''));
    const pieces = Array.from({ length: Math.ceil(whole.length / length) }, (_, i) =>
      whole.subarray(i * length, (i + 1) * length),
    );
    expect(heard(type.stream, pieces).at(-1)).toMatchObject(used);
  });

  test('may have lines of another system', () => {
    expect(heard(type.stream, [events.join('').replaceAll('\n', '\r\n')]).at(-1)).toMatchObject(used);
  });

  test('that breaks off counts by what it has said until then, and by what it can have written', () => {
    expect(lastOf(...events.slice(0, -2), 'event: message_del')).toMatchObject({
      inputTokens: 1_500,
      outputTokens: mostOutput,
    });
    expect(lastOf(started({ output_tokens: 50 }))).toMatchObject({ outputTokens: 50 });
    expect(lastOf('event: message_sta')).toEqual(estimated);
  });

  test('that the API gives up counts by what it has said alone', () => {
    const failure = event('error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    expect(lastOf(failure)).toBeUndefined();
    expect(lastOf(...events.slice(0, -2), failure)).toMatchObject({ inputTokens: 1_500, outputTokens: 1 });
  });

  test.each([
    ['leaves out', { output_tokens: 70 }],
    ['tells as nothing', { output_tokens: 70, input_tokens: 0, cache_read_input_tokens: null }],
  ])('counts in full where its end %s what its beginning has said', (_, usage) => {
    const told = lastOf(started({ input_tokens: 900, cache_read_input_tokens: 50, output_tokens: 1 }), ended(usage));
    expect(told).toMatchObject({ inputTokens: 950, outputTokens: 70 });
  });

  test.each([
    ['no events', 'what is this\n\n\u0000{]}\n\ndata\n\n'],
    ['no JSON', 'event: message_start\ndata: {"message":\n\n'],
    ['no usage', event('message_start', { message: { model } })],
    ['a usage that is none', started({ input_tokens: -1, output_tokens: 'many' })],
    ['an end without a beginning', ended({ output_tokens: 5 })],
  ])('of which nothing is understood (%s) is passed over, up to what is', (_, odd) => {
    expect(lastOf(odd)).toEqual(estimated);
    expect(lastOf(odd, ...events)).toMatchObject(used);
  });

  test('is not kept, however long an event of it is, and is heard again after that', () => {
    const piece = Buffer.alloc(1024 * 1024, 'a');
    const before = heldBytes();
    function* pieces(): Generator<string | Buffer> {
      yield events[0] ?? '';
      yield 'event: content_block_delta\ndata: ';
      for (let i = 0; i < 64; i++) yield piece;
      expect(heldBytes() - before).toBeLessThan(16 * 2 ** 20);
      yield `\n\n${events.slice(1).join('')}`;
    }
    expect(heard(type.stream, pieces()).at(-1)).toMatchObject(used);
  });
});

describe('an answer in one piece', () => {
  test('tells at its end', () => {
    const text = JSON.stringify(answer);
    const [told, ...more] = heard(type.json, [text.slice(0, 99), text.slice(99)]);
    expect(more).toEqual([]);
    expect(told).toMatchObject(used);
    expect(told?.costUsd).toBeCloseTo(costUsd, 10);
  });

  test('counts by the request where it breaks off, is none, or is too long', () => {
    const text = JSON.stringify(answer);
    for (const odd of [[text.slice(0, -9)], ['no JSON'], ['{"type":"error"}'], [' '.repeat(17 * 2 ** 20), text]]) {
      expect(heard(type.json, odd)).toEqual([estimated]);
    }
  });
});

test.each(['text/html', 'undefined'])('an answer of another kind (%s) counts by the request', (contentType) => {
  expect(heard(contentType, events)).toEqual([estimated]);
});

describe('what costs more than its tokens tell', () => {
  const costOf = (usage: unknown): number => heard(type.stream, [started(usage)])[0]?.costUsd ?? Number.NaN;
  test.each([
    [
      'a cache for an hour',
      { cache_creation_input_tokens: 1e6, cache_creation: { ephemeral_1h_input_tokens: 1e6 } },
      4,
    ],
    ['a search of the API’s own', { input_tokens: 1e6, server_tool_use: { web_search_requests: 3 } }, 2.03],
    ['the US', { input_tokens: 1e6, inference_geo: 'us' }, 2.2],
    ['haste', { input_tokens: 1e6, speed: 'fast' }, 12],
    [
      'the advice of a dearer model',
      {
        input_tokens: 1e6,
        iterations: [{ input_tokens: 1e6 }, { input_tokens: 1e6, model: 'claude-opus-4-1' }],
      },
      2 + 15,
    ],
    ['no iteration of its own', { input_tokens: 1e6, iterations: [{ input_tokens: 5e5 }, { input_tokens: 5e5 }] }, 2],
  ])('%s', (_, usage, usd) => {
    expect(costOf(usage)).toBeCloseTo(usd, 10);
  });
});
