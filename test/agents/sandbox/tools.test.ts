import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { programsIn, toolsOn } from '../../../src/agents/sandbox/tools.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
let home: string;

beforeEach(() => {
  home = join(realpathSync(folder.path), 'home');
});

function file(path: string): string {
  const whole = join(home, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, '');
  return whole;
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  symlinkSync(target, join(home, path));
}

/** Relative to the home. */
async function shown(path: readonly string[]): Promise<readonly string[]> {
  const { roots } = await toolsOn(path.map((one) => join(home, one)).join(':'), home);
  return roots.map((root) => root.replace(`${home}/`, '')).toSorted();
}

describe('the tools on PATH', () => {
  it('are there with the installation that they belong to', async () => {
    file('.nvm/versions/node/v24/bin/node');
    file('.nvm/versions/node/v24/lib/node_modules/npm/cli.js');
    file('sdk/go/bin/go');
    file('sdk/go/pkg/x');
    file('project/node_modules/.bin/tsc');
    expect(await shown(['sdk/go/bin', 'project/node_modules/.bin'])).toEqual([
      '.nvm',
      'project/node_modules',
      'sdk/go',
    ]);
  });

  it('are there alone where what lies beside them is not known to be theirs', async () => {
    file('.cargo/bin/cargo');
    file('.cargo/credentials.toml');
    file('checkout/bin/tool');
    file('checkout/lib/x');
    file('checkout/.git/config');
    file('scripts/tool');
    expect(await shown(['.cargo/bin', 'checkout/bin', 'scripts'])).toEqual(['.cargo/bin', 'checkout/bin', 'scripts']);
  });

  it('come with what links among them lead to', async () => {
    file('.local/share/keyrings/secret');
    file('.local/share/claude/versions/2.1.0');
    file('.local/share/pipx/venvs/black/bin/black');
    file('.local/lib/python3/site-packages/x');
    file('notes.txt');
    link('.local/bin/claude', join(home, '.local/share/claude/versions/2.1.0'));
    link('.local/bin/black', join(home, '.local/share/pipx/venvs/black/bin/black'));
    link('.local/bin/notes', join(home, 'notes.txt'));
    expect(await shown(['.local/bin'])).toEqual([
      ...['.local/bin', '.local/lib', '.local/share/claude/versions/2.1.0', '.local/share/pipx', 'notes.txt'],
    ]);
  });

  it('never bring the home, or what it lies in', async () => {
    file('bin/tool');
    file('lib/x');
    expect(await shown(['bin', '.', '..', '.local'])).toEqual(['bin']);
  });

  it('are called by their real path, and what is not there not at all', async () => {
    file('real/bin/tool');
    link('named', 'real');
    const { path } = await toolsOn(`${home}/named/bin:${home}/nowhere:/usr/bin:node_modules/.bin:`, home);
    expect(path).toBe(`${home}/real/bin:${realpathSync('/usr/bin')}:node_modules/.bin`);
  });
});

it('a command line brings the files that it names', async () => {
  const [agent, spaced, python] = [file('agent.sh'), file('my agents/run.py'), file('venv/bin/python')];
  file('venv/lib/x');
  file('other/secret');
  const line = `cd ${home}/other && FOO=1 ~/agent.sh --fast "${spaced}" '${python}' $HOME/agent.sh /usr/bin/env /nowhere/x`;
  expect((await programsIn(line, home)).toSorted()).toEqual([agent, spaced, join(home, 'venv'), python].toSorted());
});
