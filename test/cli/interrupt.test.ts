import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { assign, cancel, endAttempt, initialState } from '../../src/protocol/state.ts';
import { alpha, FakeService, makeView } from '../peer/control/fake-service.ts';
import { cleanEnv } from '../support/cli.ts';
import { makeBareRepository } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';
import { World } from './world.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const assigned = assign(initialState, alpha, wallMs(1));
const failed = endAttempt(assigned, { type: 'failed', reason: 'no way', final: true }, wallMs(2));
const old = makeView('Fix the greeting', { state: failed });
const running = makeView('Fix the greeting', { state: assigned }, { round: 2 });
const short = running.task.id.slice(0, 8);
const goesOn = (id: string) =>
  `peer: task ${id} goes on: \`peer task ${id}\` tells how it is, \`peer cancel ${id}\` ends it\n`;

let world: World;
let service: FakeService;
let server: ControlServer;
let child: ChildProcess;
let [stdout, stderr] = ['', ''];

beforeEach(async () => {
  world = new World();
  mkdirSync(world.home);
  service = new FakeService(old, running);
  service.reply = () => ({ type: 'submitted', task: running.task.id });
  server = await serveControl(service, socketPath({ folder: world.home }), () => {});
  [stdout, stderr] = ['', ''];
});
afterEach(async () => {
  child.kill('SIGKILL');
  await server.close();
  world[Symbol.dispose]();
});

function start(args: readonly string[]): void {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const options = { cwd: world.folder, env: cleanEnv({ PEER_HOME: world.home }) };
  child = spawn(process.execPath, [cli, ...args], { ...options, stdio: [...stdio] });
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
}

const isFollowed = () => waitFor('somebody follows', () => service.listeners.size > 0, 20_000);

async function interrupted(): Promise<readonly unknown[]> {
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, stderr];
}

it.each([
  ['peer submit --follow', ['submit', '--prompt', 'Fix it', '--repo', './r.git', '--follow']],
  ['peer retry --follow', ['retry', old.task.id, '--follow', '--json']],
])(
  'Ctrl-C leaves %s with a word on what goes on',
  async (_, args) => {
    makeBareRepository(join(world.folder, 'r.git'), { a: 'a' });
    start(args);
    await isFollowed();
    expect(await interrupted()).toEqual([130, goesOn(short)]);
    expect(service.commands.map(({ type }) => type)).toEqual(['submit']);
  },
  30_000,
);

it('which names the task that this one turned out to be a duplicate of', async () => {
  const winner = makeView('the winner', { state: assigned });
  service.change({ ...running, state: cancel(initialState, 'duplicate', winner.task.id, wallMs(2)) });
  service.change(winner);
  start(['retry', old.task.id, '--follow']);
  const carriedOver = `the same as task ${winner.task.id.slice(0, 8)}`;
  await waitFor('the winner is followed', () => stdout.includes(carriedOver), 20_000);
  expect(await interrupted()).toEqual([130, goesOn(winner.task.id.slice(0, 8))]);
}, 30_000);
