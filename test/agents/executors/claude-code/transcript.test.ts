import { describe, expect, test, vi } from 'vitest';
import { Transcript } from '../../../../src/agents/executors/claude-code/transcript.ts';
import { MaxLine } from '../../../../src/agents/lines.ts';
import { hear, ofType, recorded } from './support.ts';

describe('what the real CLI has written tells', () => {
  test('what is going on, in a line each', () => {
    const { events } = hear(recorded('finished'));
    expect(ofType(events, 'progress').map(({ text }) => text)).toEqual([
      'I shall write it.',
      'Write b.txt',
      'Bash cat b.txt',
      'All done.',
    ]);
  });

  test.each([
    ['denied', 'make forbidden.txt'],
    ['no-such-tool', 'touch forbidden.txt'],
  ])('the tool that the agent may not use, once (%s)', (name, detail) => {
    expect(ofType(hear(recorded(name)).events, 'denied')).toEqual([{ type: 'denied', tool: 'Bash', detail }]);
  });

  test('a try after a failure', () => {
    const progress = ofType(hear(recorded('overloaded')).events, 'progress');
    expect(progress[0]).toMatchObject({ text: 'the API answers 529; try 1 of 1' });
  });

  test('its log, as a person reads it', () => {
    const lines = ofType(hear(recorded('finished')).events, 'output').map(({ line }) => line);
    expect(lines).toMatchInlineSnapshot(`
      [
        "session ? (claude-haiku-5-5)",
        "I shall write it.",
        "> Write b.txt",
        "  File created successfully at: /clone/b.txt (file state is current in your context — no need to Read it back)",
        "> Bash cat b.txt",
        "  b",
        "All done.",
        "Two files were written.",
      ]
    `);
  });

  test('what a tool has answered, but not all of a long answer', () => {
    const content = [{ type: 'text', text: Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n') }];
    const user = { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a', content }] } };
    const lines = ofType(hear([JSON.stringify(user)]).events, 'output').map(({ line }) => line);
    expect([lines[0], ...lines.slice(39)]).toEqual(['  line 0', '  line 39', '  (10 more lines)']);
  });

  test('what it is not known to say, as it is', () => {
    const line = '{"type":"of next year"}';
    expect(hear([line]).events).toEqual([{ type: 'output', line, stream: 'stdout' }]);
  });
});

describe('getting on is', () => {
  const gotOnBy = (...lines: readonly string[]): boolean => hear(lines).transcript.gotOn;

  test('every line of the model and of its tools', () => {
    for (const line of recorded('finished')) expect(gotOnBy(line)).toBe(!line.includes('"type":"system"'));
  });

  test.each([
    '{"type":"tool_progress","tool_use_id":"t-heartbeat-0","tool_name":"Bash","elapsed_time_seconds":30,"heartbeat":true}',
    '{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":500,"error_status":529}',
    '{"type":"system","subtype":"status","status":"requesting"}',
    '{"type":"rate_limit_event","rate_limit_info":{"status":"allowed"}}',
    '{"type":"of next year"}',
    'not an event',
    '{"type":"assistant","message":"of another shape"}',
  ])('not %s', (line) => {
    expect(gotOnBy(line)).toBe(false);
  });

  test('not a complaint', () => {
    const transcript = new Transcript('/clone');
    expect(transcript.take('a warning', 'stderr')).toEqual([{ type: 'output', line: 'a warning', stream: 'stderr' }]);
    expect(transcript.gotOn).toBe(false);
  });
});

describe('a line that came in pieces', () => {
  const long = 'x'.repeat(3 * MaxLine);
  const line = JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: `${long}}` });
  const pieces = (length: number): readonly string[] =>
    Array.from({ length: Math.ceil(line.length / length) }, (_, i) => line.slice(i * length, (i + 1) * length));

  test.each([MaxLine + 1, MaxLine + 40_000, line.length])('of %i characters is read whole', (length) => {
    const { transcript } = hear(pieces(length));
    expect(transcript.result?.result).toBe(`${long}}`);
  });

  test('ends where its braces do, whatever its strings are', () => {
    const odd = { result: `${'\\"}{'.repeat(MaxLine)}`, errors: ['}', '"{'] };
    const text = JSON.stringify({ type: 'result', subtype: 'success', is_error: false, ...odd });
    for (const length of [MaxLine + 1, MaxLine + 2, MaxLine + 3, MaxLine + 4, MaxLine + 5]) {
      const cut = Array.from({ length: Math.ceil(text.length / length) }, (_, i) =>
        text.slice(i * length, (i + 1) * length),
      );
      // Also where the last piece is as long as one that goes on.
      expect(hear([...cut, ...recorded('finished').slice(0, 3)]).transcript.result?.errors).toEqual(odd.errors);
    }
  });

  test('of which each piece ends as an event does is parsed once', () => {
    const parse = vi.spyOn(JSON, 'parse');
    hear(['{"a":"', ...Array.from({ length: 200 }, () => '}')].map((end) => end.padStart(MaxLine + 1, '{')));
    expect(parse.mock.calls.length).toBeLessThanOrEqual(1);
    parse.mockRestore();
  });

  test('and was broken off spoils none that follows', () => {
    const { transcript } = hear([`{${'x'.repeat(MaxLine)}`, 'y', ...recorded('finished')]);
    expect(transcript.result?.is_error).toBe(false);
  });

  test('without an end is given up, and what follows is read', () => {
    const endless = Array.from({ length: 300 }, () => `{${'x'.repeat(MaxLine)}`);
    expect(hear(endless).transcript.result).toBeNull();
    expect(hear([...endless, 'y', ...recorded('finished')]).transcript.result?.is_error).toBe(false);
  });
});
