/** The demonstration's repository and its issues. */

export interface SampleIssue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
}

export const sampleFiles: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'widgets', version: '1.0.0', type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'src/price.js': `/** The price after a discount of so many per cent. */
export const discounted = (price, percent) => price + (price * percent) / 100;
`,
  'src/format.js': `export const formatted = (amount) => amount.toFixed(2);
`,
  'test/price.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discounted } from '../src/price.js';

test('without a discount the price is the same', () => {
  assert.equal(discounted(100, 0), 100);
});
`,
  'test/format.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatted } from '../src/format.js';

test('two decimals', () => {
  assert.equal(formatted(2), '2.00');
});
`,
  'web/index.html': `<!doctype html>
<title>Widgets</title>
<h1>Widgts</h1>
`,
};

export const sampleIssues: readonly SampleIssue[] = [
  {
    number: 1,
    title: 'The discount makes everything dearer',
    body: 'A discount of 20 % on 100 gives 120, and should give 80.',
    labels: ['backend', 'bug'],
  },
  {
    number: 2,
    title: 'Typo in the heading of the start page',
    body: 'It says "Widgts".',
    labels: ['frontend'],
  },
  {
    number: 3,
    title: 'Nothing tests that cents have two digits',
    body: 'formatted(1.5) should be "1.50": add a test.',
    labels: ['testing'],
  },
];
