import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { assign, cancel, initialState } from '../../src/protocol/state.ts';
import { alpha, beta, FakeService, makeView } from '../peer/control/fake-service.ts';
import { World } from './world.ts';

const stranded = makeView('Fix the greeting', { state: assign(initialState, beta, wallMs(1_000)) });
const [id, short] = [stranded.task.id, stranded.task.id.slice(0, 8)];

let world: World;
let service: FakeService;
let server: ControlServer;

beforeEach(async () => {
  world = new World();
  mkdirSync(world.home);
  service = new FakeService(stranded);
  service.reply = () => ({ type: 'adopted', task: id, givenUp: [beta] });
  server = await serveControl(service, socketPath({ folder: world.home }), () => {});
});
afterEach(async () => {
  await server.close();
  world[Symbol.dispose]();
});

describe('peer adopt', () => {
  it('names the electors that are given up, and does nothing without a yes', async () => {
    world.answer = '';
    expect(await world.run(['adopt', short])).toBe(1);
    expect(world.stderr[0]).toContain('1 of its 2 electors are given up: beta');
    expect(world.stderr.at(-1)).toBe('peer: nothing was changed');
    expect(service.commands).toEqual([]);
  });

  it('adopts once it is told to', async () => {
    world.answer = 'y';
    expect(await world.run(['adopt', short])).toBe(0);
    expect(service.commands).toEqual([{ type: 'adopt', task: id }]);
    expect(world.stdout).toEqual([`adopted ${short}: see \`peer task ${short}\``]);
  });

  it('tells that a cancel which waits is thereby taken back', async () => {
    service.views.set(id, { ...stranded, cancelPending: true });
    expect(await world.run(['adopt', short])).toBe(2);
    expect(world.stderr.at(-1)).toContain('The cancel of it that waits here is taken back.');
    expect(await world.run(['adopt', short, '--yes'])).toBe(0);
    expect(world.stdout).toEqual([`adopted ${short}, its cancel is taken back: see \`peer task ${short}\``]);
  });

  it('asks nobody where nobody is there to answer: exit 2, and --yes is the mend', async () => {
    expect(await world.run(['adopt', short])).toBe(2);
    expect(world.stderr).toHaveLength(1);
    expect(world.stderr[0]).toContain('--yes');
    expect(await world.run(['adopt', short, '--yes', '--json'])).toBe(0);
    expect(JSON.parse(world.stdout[0] ?? '')).toEqual({ id, result: 'adopted', givenUp: [beta] });
  });

  it('leaves a task alone that goes on by itself, or has ended', async () => {
    service.views.set(id, { ...stranded, electors: [{ peer: alpha, name: 'alpha', reachable: true }] });
    expect(await world.run(['adopt', short, '--yes'])).toBe(1);
    expect(world.stderr.at(-1)).toContain('needs no adoption');
    service.views.set(id, { ...stranded, state: cancel(initialState, 'enough', null, wallMs(2)) });
    expect(await world.run(['adopt', short, '--yes'])).toBe(1);
    expect(world.stderr.at(-1)).toContain('has ended already');
    expect(service.commands).toEqual([]);
  });
});

describe('peer cancel', () => {
  it('without a majority is noted, not refused: what it waits for, and what takes it back', async () => {
    service.reply = () => ({ type: 'cancel-pending' });
    expect(await world.run(['cancel', short])).toBe(1);
    expect(world.stderr.at(-1)).toMatch(/noted: .* is cancelled as soon as .*`peer adopt .*takes the cancel back/);
  });
});
