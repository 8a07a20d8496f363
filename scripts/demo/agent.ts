/**
 * The demonstration's agent: a script, not a model. It knows the three issues of the sample repository and really makes
 * the change each asks for, slowly enough to watch, then runs the repository's tests.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

interface TaskFile {
  readonly title: string;
}

interface Recipe {
  readonly file: string;
  readonly change: (text: string) => string;
  /** What the file has once it is changed. */
  readonly done: string;
  /** The test that shows the change to be right; null where there is none. */
  readonly test: string | null;
}

/** By a word of the title. */
const recipes: Readonly<Record<string, Recipe>> = {
  discount: {
    file: 'src/price.js',
    change: (text) => text.replace('price + (price * percent) / 100', 'price - (price * percent) / 100'),
    done: 'price - (price',
    test: 'test/price.test.js',
  },
  heading: {
    file: 'web/index.html',
    change: (text) => text.replace('<h1>Widgts</h1>', '<h1>Widgets</h1>'),
    done: '<h1>Widgets</h1>',
    test: null,
  },
  cents: {
    file: 'test/format.test.js',
    change: (text) =>
      `${text}\ntest('cents are always two digits', () => {\n  assert.equal(formatted(1.5), '1.50');\n});\n`,
    done: 'cents are always two digits',
    test: 'test/format.test.js',
  },
};

const stepMs = Number(process.argv[2] ?? 400);
const task = JSON.parse(readFileSync(process.env.PEER_TASK_FILE ?? '', 'utf8')) as TaskFile;
const found = Object.entries(recipes).find(([word]) => task.title.toLowerCase().includes(word));
if (found === undefined) {
  console.error(`this scripted agent does not know the issue "${task.title}"`);
  process.exit(1);
}
const [, { file, change, done, test }] = found;

console.log(`reading ${file}`);
await delay(stepMs);
const before = readFileSync(file, 'utf8');
if (before.includes(done)) {
  console.log(`${file} is right already: an earlier attempt got as far as this`);
} else {
  console.log(`changing ${file}`);
  await delay(stepMs);
  writeFileSync(file, change(before));
}
if (test !== null) {
  console.log(`running ${test}`);
  execFileSync(process.execPath, ['--test', test], { stdio: ['ignore', 'ignore', 'inherit'] });
}
console.log(`done: ${file}`);
