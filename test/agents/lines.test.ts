import { expect, test } from 'vitest';
import { LineSplitter, oneLine, printable } from '../../src/agents/lines.ts';

function split(...chunks: readonly (string | Buffer)[]): readonly string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test('lines end by \\n, \\r\\n, and \\r, wherever the chunks are cut', () => {
  expect(split('a\nb\r', '\nc 1%\rc 2%\r', 'c 3%\n\nd')).toEqual(['a', 'b', 'c 1%', 'c 2%', 'c 3%', '', 'd']);
});

test('a character that is cut in two is whole again', () => {
  const bytes = Buffer.from('für\n');
  expect(split(bytes.subarray(0, 2), bytes.subarray(2))).toEqual(['für']);
});

test('output without an end comes in bounded pieces', () => {
  const pieces = split(...Array.from({ length: 100 }, () => 'x'.repeat(10_000)));
  expect(pieces.join('').length).toBe(1_000_000);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(64 * 1024 + 10_000);
});

test('what moves a terminal’s cursor is taken out', () => {
  expect(printable('\u001b[31mred\u001b[0m\ttab \u0007\u001b]0;title\u0007end')).toBe('red\ttab end');
  expect(oneLine(' a\n\tb\u001b[2J ', 100)).toBe('a b');
  expect(oneLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`);
});
