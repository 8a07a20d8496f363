import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLines = 400;

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}
interface Source {
  readonly path: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

function sourceOf(path: string, text: string): Source {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
  const statements = [...code.matchAll(/^(?:import|export)\s(type\s)?(?:[^;'"]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm)];
  const calls = [...code.matchAll(/\bimport\s*\(\s*['"`]([^'"`]+)['"`]/g)];
  return {
    path,
    text,
    code,
    imports: [
      ...statements.map(([, typeOnly, from = '']) => ({ from, typeOnly: typeOnly !== undefined })),
      ...calls.map(([, from = '']) => ({ from, typeOnly: false })),
    ],
  };
}

const filesUnder = (folder: string): readonly Source[] =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .toSorted()
    .map((path) => sourceOf(path, readFileSync(`${root}${path}`, 'utf8')));

const isUnder = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

const isOurs = ({ from }: Import): boolean => from.startsWith('.');
const targetOf = ({ path }: Source, { from }: Import): string => posix.join(posix.dirname(path), from);

// ── the rules: each tells what a source has done wrong ────────────────────────────────────────────────────────────────

type Rule = (source: Source) => readonly string[];

const pureFolders = ['src/protocol', 'src/election', 'src/peer/core'];
/** What a pure file may use besides its own kind: no clock, disk or network is behind any of them. */
const purePackages = ['zod', 'cborg', '@noble/hashes'];
const impurities: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a clock', /\bDate\b|\bperformance\b/],
  ['randomness', /\bMath\.random\b|\bcrypto\./],
  ['a timer', /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['waiting', /\bawait\b|\basync\b|\bPromise\b/],
  ['the process', /\bprocess\s*[.[]|\bglobalThis\b|\bconsole\./],
  ['the network', /\bfetch\s*\(/],
];

const pure: Rule = ({ path, code, imports }) => {
  if (!isUnder(path, pureFolders)) return [];
  const used = impurities.filter(([, pattern]) => pattern.test(code)).map(([what]) => `uses ${what}`);
  const foreign = imports.filter((one) => !isOurs(one) && !isUnder(one.from, purePackages));
  return [...used, ...foreign.map(({ from }) => `imports ${from}`)];
};

/** What each folder may import of ours; the first that fits a path counts. */
const layers: readonly (readonly [folder: string, mayImport: readonly string[]])[] = [
  ['src/protocol', ['src/protocol']],
  ['src/election', ['src/election', 'src/protocol']],
  ['src/peer/core', ['src/peer/core', 'src/election', 'src/protocol']],
  ['src/peer', ['src/peer', 'src/election', 'src/protocol']],
  ['src/agents', ['src/agents', 'src/protocol']],
  ['src/cli', ['src/cli', 'src/peer', 'src/agents', 'src/election', 'src/protocol']],
];
/** The core knows the shapes of what is stored, and nothing of how. */
const typesForCore = 'src/peer/store/store.ts';

const layered: Rule = (source) => {
  const layer = layers.find(([folder]) => isUnder(source.path, [folder]));
  if (layer === undefined) return source.path === 'src/cli.ts' ? [] : ['belongs to no layer'];
  const [folder, mayImport] = layer;
  return source.imports
    .filter(isOurs)
    .filter((one) => !isUnder(targetOf(source, one), mayImport))
    .filter((one) => !(folder === 'src/peer/core' && one.typeOnly && targetOf(source, one) === typesForCore))
    .map((one) => `imports ${targetOf(source, one)}`);
};

const libp2pHomes = ['src/peer/network', 'src/peer/home/identity.ts'];
const libp2pOnlyInTheNetwork: Rule = ({ path, imports }) =>
  isUnder(path, libp2pHomes)
    ? []
    : imports
        .filter(({ from }) => /^(?:libp2p$|libp2p\/|@libp2p\/|@chainsafe\/|@multiformats\/)/.test(from))
        .map(({ from }) => `imports ${from}`);

const short: Rule = ({ text }) => {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > maxLines ? [`has ${lines} lines`] : [];
};

const exportsByName: Rule = ({ code }) => [
  ...(/^\s*export\s+default\b|\bas\s+default\b/m.test(code) ? ['has a default export'] : []),
  ...(/^\s*export\s+\*/m.test(code) ? ['is a barrel'] : []),
];

const rules = { pure, layered, libp2pOnlyInTheNetwork, short, exportsByName } satisfies Record<string, Rule>;

const violations = (rule: Rule, sources: readonly Source[]): readonly string[] =>
  sources.flatMap((source) => rule(source).map((what) => `${source.path} ${what}`));

describe('the source', () => {
  const sources = filesUnder('src');

  it('is there to be looked at', () => {
    for (const [folder] of layers) expect(sources.some(({ path }) => isUnder(path, [folder]))).toBe(true);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(sources.length);
  });

  it('is pure in the protocol, the election and the core', () => {
    expect(violations(rules.pure, sources)).toEqual([]);
  });

  it('knows only what lies below it', () => {
    expect(violations(rules.layered, sources)).toEqual([]);
  });

  it('uses libp2p in the network and for the identity only', () => {
    expect(violations(rules.libp2pOnlyInTheNetwork, sources)).toEqual([]);
  });

  it(`has no file of more than ${maxLines} lines, nor have the tests and the scripts`, () => {
    const others = ['test', 'scripts'].flatMap(filesUnder);
    expect(violations(rules.short, [...sources, ...others])).toEqual([]);
  });

  it('exports by name, from where a thing is made', () => {
    expect(violations(rules.exportsByName, sources)).toEqual([]);
  });
});

describe('the rules notice', () => {
  it.each<[keyof typeof rules, string, string]>([
    ['pure', 'src/protocol/a.ts', 'const at = Date.now();'],
    ['pure', 'src/election/a.ts', 'const at = new Date();'],
    ['pure', 'src/peer/core/a.ts', 'performance.now();'],
    ['pure', 'src/peer/core/a.ts', 'Math.random();'],
    ['pure', 'src/peer/core/a.ts', 'setTimeout(run, 5);'],
    ['pure', 'src/peer/core/a.ts', 'const a = await b;'],
    ['pure', 'src/peer/core/a.ts', 'process.env.HOME;'],
    ['pure', 'src/protocol/a.ts', "import { readFileSync } from 'node:fs';"],
    ['pure', 'src/protocol/a.ts', "import {\n  readFileSync,\n} from 'fs';"],
    ['pure', 'src/protocol/a.ts', "import 'level';"],
    ['layered', 'src/protocol/a.ts', "import type { B } from '../election/b.ts';"],
    ['layered', 'src/election/a.ts', "import { b } from '../peer/core/b.ts';"],
    ['layered', 'src/election/a.ts', "export { b } from '../agents/b.ts';"],
    ['layered', 'src/peer/core/a.ts', "import { b } from '../network/b.ts';"],
    ['layered', 'src/peer/core/a.ts', "import { b } from '../store/store.ts';"],
    ['layered', 'src/peer/home/a.ts', "import { b } from '../../agents/b.ts';"],
    ['layered', 'src/peer/a.ts', "const b = import('../cli/b.ts');"],
    ['layered', 'src/agents/a.ts', "import { b } from '../peer/b.ts';"],
    ['layered', 'src/agents/forge/a.ts', "import { b } from '../../election/b.ts';"],
    ['layered', 'src/agents/a.ts', "import { b } from '../cli.ts';"],
    ['layered', 'src/elsewhere/a.ts', ''],
    ['libp2pOnlyInTheNetwork', 'src/peer/a.ts', "import { tcp } from '@libp2p/tcp';"],
    ['libp2pOnlyInTheNetwork', 'src/peer/home/a.ts', "import { createLibp2p } from 'libp2p';"],
    ['short', 'src/cli/a.ts', 'a\n'.repeat(maxLines + 1)],
    ['exportsByName', 'src/cli/a.ts', 'export default 1;'],
    ['exportsByName', 'src/cli/a.ts', "export * from './b.ts';"],
  ])('%s: %s with %s', (rule, path, text) => {
    expect(rules[rule](sourceOf(path, text))).toHaveLength(1);
  });

  it.each<[keyof typeof rules, string, string]>([
    [
      'pure',
      'src/peer/core/a.ts',
      '/** The process began at a Date; await it. */\n// node:fs, setTimeout\nconst a = 1;',
    ],
    ['pure', 'src/peer/driver.ts', "import { level } from 'level';\nsetTimeout(run, Date.now());"],
    ['pure', 'src/protocol/a.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
    ['layered', 'src/peer/core/a.ts', "import type { Stored } from '../store/store.ts';"],
    [
      'layered',
      'src/cli/commands/a.ts',
      "import { b } from '../../peer/b.ts';\nimport { c } from '../../agents/c.ts';",
    ],
    ['libp2pOnlyInTheNetwork', 'src/peer/home/identity.ts', "import { keys } from '@libp2p/crypto/keys';"],
    ['short', 'src/cli/a.ts', 'a\n'.repeat(maxLines)],
  ])('nothing, by %s, in %s with %s', (rule, path, text) => {
    expect(rules[rule](sourceOf(path, text))).toEqual([]);
  });
});
