import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { detectVerify } from '../../../src/agents/verify/detect.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
};
const manifest = (test: string, more: object = {}): string => JSON.stringify({ scripts: { test }, ...more });
const detect = (path = '.') => detectVerify(folder.path, join(folder.path, path));
const needs = { dependencies: { left: '1' } };

describe('a repository’s test command', () => {
  test.each<[string, Readonly<Record<string, string>>, string, string]>([
    ['npm', { 'package.json': manifest('vitest') }, 'npm test', 'npm test'],
    [
      'npm with a lock file',
      { 'package.json': manifest('vitest', needs), 'package-lock.json': '' },
      'npm test',
      '{ [ -d ./node_modules ] || ( cd . && npm ci ); } && npm test',
    ],
    [
      'npm without one',
      { 'package.json': manifest('vitest', needs) },
      'npm test',
      '{ [ -d ./node_modules ] || ( cd . && npm install --no-package-lock ); } && npm test',
    ],
    [
      'pnpm',
      { 'package.json': manifest('vitest'), 'pnpm-lock.yaml': '' },
      'pnpm test',
      '{ [ -d ./node_modules ] || ( cd . && pnpm install --frozen-lockfile ); } && pnpm test',
    ],
    [
      'yarn',
      { 'package.json': manifest('jest'), 'yarn.lock': '' },
      'yarn test',
      '{ [ -d ./node_modules ] || ( cd . && yarn install ); } && yarn test',
    ],
    [
      'bun',
      { 'package.json': manifest('bun test'), 'bun.lock': '' },
      'bun run test',
      '{ [ -d ./node_modules ] || ( cd . && bun install --frozen-lockfile ); } && bun run test',
    ],
    ['pytest by its file', { 'pytest.ini': '' }, 'pytest', 'pytest'],
    ['pytest in pyproject', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, 'pytest', 'pytest'],
    ['pytest in setup.cfg', { 'setup.cfg': '[tool:pytest]\n' }, 'pytest', 'pytest'],
    ['Python tests', { 'requirements.txt': '', 'tests/test_a.py': '' }, 'pytest', 'pytest'],
    ['uv', { 'uv.lock': '', 'pytest.ini': '' }, 'uv run pytest', 'uv run pytest'],
    ['Cargo', { 'Cargo.toml': '' }, 'cargo test', 'cargo test'],
    ['Go', { 'go.mod': '' }, 'go test ./...', 'go test ./...'],
    ['make', { Makefile: 'all:\n\ntest: all\n\ttrue\n' }, 'make test', 'make test'],
    ['the first of several', { 'package.json': manifest('x'), Makefile: 'test:\n' }, 'npm test', 'npm test'],
  ])('of %s', async (_, files, name, line) => {
    write(files);
    expect(await detect()).toMatchObject({ name, line, folder: folder.path });
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['nothing', {}],
    ['npm’s placeholder', { 'package.json': manifest('echo "Error: no test specified" && exit 1') }],
    ['a manifest that is none', { 'package.json': '[' }],
    ['a manifest without tests', { 'package.json': '{}' }],
    ['tests of no Python project', { 'tests/test_a.py': '' }],
    ['a project without Python tests', { 'pyproject.toml': '', 'tests/a.txt': '' }],
    ['a makefile without the target', { Makefile: 'test := x\nall:\n\ttest -e x\n' }],
  ])('is none with %s', async (_, files) => {
    write(files);
    expect(await detect()).toBeNull();
  });

  test('is that of the task’s folder, then that of the whole', async () => {
    write({ 'packages/web/index.js': '', 'go.mod': '', Makefile: 'test:\n' });
    expect(await detect('packages/web')).toMatchObject({ name: 'go test ./...', folder: folder.path });
    write({ 'packages/web/package.json': manifest('vitest', needs), 'package-lock.json': '' });
    expect(await detect('packages/web')).toMatchObject({
      line: '{ [ -d ../../node_modules ] || ( cd ../.. && npm ci ); } && npm test',
      folder: join(folder.path, 'packages/web'),
    });
  });

  test('is not read through a link, nor out of a pipe', async () => {
    write({ 'real.json': manifest('vitest') });
    symlinkSync('real.json', join(folder.path, 'package.json'));
    await execa('mkfifo', [join(folder.path, 'Makefile')]);
    expect(await detect()).toBeNull();
  });
});
