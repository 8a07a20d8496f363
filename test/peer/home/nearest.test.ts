import { expect, test } from 'vitest';
import { nearest } from '../../../src/peer/home/nearest.ts';

test.each([
  ['nme', ['mdns', 'name'], 'name'],
  ['cancle', ['cancel', 'doctor'], 'cancel'],
  ['Status', ['status'], 'status'],
  ['statuses', ['status'], 'status'],
  ['bogus', ['logs', 'stop'], null],
  ['x', ['y'], null],
  ['', ['init'], null],
  ['z'.repeat(1_000_000), ['init'], null],
])('%.20s among %j: %s', (word, words, meant) => {
  expect(nearest(word, words)).toBe(meant);
});
