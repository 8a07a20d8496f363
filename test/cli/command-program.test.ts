import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandTrouble } from '../../src/cli/command-program.ts';
import { git } from '../support/repository.ts';
import { World } from './world.ts';

let world: World;
beforeEach(() => {
  world = new World();
  for (const name of ['agent.sh', 'plain.txt']) writeFileSync(join(world.folder, name), '#!/bin/sh\n');
  chmodSync(join(world.folder, 'agent.sh'), 0o755);
});
afterEach(() => world[Symbol.dispose]());

const trouble = (command: string) => commandTrouble({ command: command.replace('HERE', world.folder) }, world.folder);

describe('a command', () => {
  it.each([
    'sh -c x',
    '/bin/sh x',
    'HERE/agent.sh --fast',
    'echo hello > a.txt',
    'cd web && no-such-program',
    'if true; then no-such-program; fi',
    'KEY=value no-such-program',
    '"no such program" x',
    '$AGENT x',
    '(no-such-program)',
    '{ no-such-program; }',
    '! no-such-program',
    'true; no-such-program',
    'scripts/in-the-repository.sh',
    './in-the-repository.sh',
  ])('is in order, or its own matter: %s', async (command) => {
    expect(await trouble(command)).toBeNull();
  });

  it.each([
    ['no-such-program --fast', /^there is no program no-such-program on the PATH: check the command/],
    ['  no-such-program|cat', /no program no-such-program on/],
    ['/no/such/program x', /^there is no program \/no\/such\/program: check/],
    ['~/no-such-program', /^there is no program \/\S+\/no-such-program: check/],
    ['HERE/plain.txt', /plain\.txt cannot be run: make it executable with `chmod \+x`$/],
    ['HERE', /^there is no program/],
    [
      './agent.sh',
      /^\.\/agent\.sh is looked for in each task's clone, not here: give its absolute path, \/.*agent\.sh$/,
    ],
  ])('is not: %s', async (command, message) => {
    expect(await trouble(command)).toMatch(message);
  });
});

describe('a script of the repository that the person stands in', () => {
  it('is in order where it is tracked by that path from the top, and nowhere else', async () => {
    const [script, scripts] = [join(world.folder, 'agent.sh'), join(world.folder, 'scripts')];
    mkdirSync(scripts);
    copyFileSync(script, join(scripts, 'agent.sh'));
    git(world.folder, 'init', '--quiet');
    const notHere = /is looked for in each task's clone, not here/;
    expect(await trouble('./scripts/agent.sh')).toMatch(notHere);
    git(world.folder, 'add', 'scripts');
    expect(await trouble('./scripts/agent.sh --fast')).toBeNull();
    expect(await trouble('scripts/agent.sh')).toBeNull();
    expect(await trouble('./agent.sh')).toMatch(notHere);
    expect(await commandTrouble({ command: './agent.sh' }, scripts)).toMatch(notHere);
  });
});

it("is nobody's matter where another executor is asked for", async () => {
  expect(await commandTrouble({ executor: 'anthropic', command: 'no-such-program' }, world.folder)).toBeNull();
  expect(await commandTrouble({}, world.folder)).toBeNull();
});

it('doctor warns of one in config.json', async () => {
  mkdirSync(world.home);
  writeFileSync(join(world.home, 'config.json'), '{"command":"no-such-program"}');
  expect(await world.run(['doctor'])).toBe(0);
  expect(world.stdout.join('\n')).toMatch(/^! +executor +config\.json, command: there is no program no-such-program/m);
});
