import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { assign, cancel, endAttempt, initialState } from '../../src/protocol/state.ts';
import { alpha, FakeService, makeView } from '../peer/control/fake-service.ts';
import { World } from './world.ts';

const assigned = assign(initialState, alpha, wallMs(1));
const failed = endAttempt(assigned, { type: 'failed', reason: 'no way', final: true }, wallMs(2));
const first = makeView('Fix the greeting', { state: failed });
const second = makeView('Fix the greeting', { state: assigned }, { round: 2 });
const [old, next] = [first.task.id.slice(0, 8), second.task.id.slice(0, 8)];

let world: World;
let service: FakeService;
let server: ControlServer;

beforeEach(async () => {
  world = new World();
  mkdirSync(world.home);
  service = new FakeService(first, second);
  server = await serveControl(service, socketPath({ folder: world.home }), () => {});
});
afterEach(async () => {
  await server.close();
  world[Symbol.dispose]();
});

describe('a task that was retried', () => {
  it('names the one that goes on, which names the one before', async () => {
    expect(await world.run(['task', old])).toBe(0);
    expect(world.stdout.pop()).toMatch(new RegExp(`^retried    as ${next}$`, 'm'));
    expect(await world.run(['task', next])).toBe(0);
    expect(world.stdout.pop()).toMatch(new RegExp(`^retry of   ${old}$`, 'm'));
  });

  it('as JSON too', async () => {
    await world.run(['task', old, '--json']);
    expect(JSON.parse(world.stdout.pop() ?? '')).toMatchObject({ retryOf: null, retriedAs: second.task.id });
    await world.run(['tasks', '--json']);
    expect(JSON.parse(world.stdout.pop() ?? '')).toMatchObject([
      { retriedAs: second.task.id },
      { retryOf: first.task.id, retriedAs: null },
    ]);
  });

  it.each(['status', 'tasks'])('is told from its retry by peer %s', async (command) => {
    await world.run([command]);
    expect(world.stdout.pop()).toMatch(
      new RegExp(`${old} +failed .*Fix the greeting · retried as ${next}\n${next} .*greeting$`),
    );
  });
});

describe('peer cancel of what has ended', () => {
  beforeEach(() => {
    service.reply = () => ({ type: 'ended' });
  });

  it('points to the round that runs', async () => {
    expect(await world.run(['cancel', old])).toBe(1);
    expect(world.stderr).toEqual([
      `peer: ${old} has ended already: it was retried as ${next}, which \`peer cancel ${next}\` ends`,
    ]);
  });

  it('and to itself where none does', async () => {
    service.change({ ...second, state: cancel(initialState, 'enough', null, wallMs(3)) });
    expect(await world.run(['cancel', old])).toBe(1);
    expect(world.stderr).toEqual([`peer: ${old} has ended already: see \`peer task ${old}\``]);
  });
});
