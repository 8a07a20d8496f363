import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { Mesh, PeerProcess, type TaskJson } from '../support/mesh.ts';
import { makeBareRepository } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';
import { letGo, untilLetGo } from './gate.ts';
import { generalists } from './support.ts';

const command = ['--executor', 'command', '--command', 'echo done > done.txt'];

it('init, invite, join and start on two fresh homes make one mesh', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'two-pcs-'));
  const first = new PeerProcess({ name: 'first', args: command }, join(folder, 'first'), {});
  const second = new PeerProcess({ name: 'second', args: command }, join(folder, 'second'), {});
  try {
    expect(await first.cli(['init'])).toMatchObject({ code: 0 });
    const { stdout: code } = await first.cli(['invite']);
    await first.start();
    expect(await second.cli(['join', code.trim()])).toMatchObject({ code: 0 });
    await second.start();
    await waitFor('both in one mesh', async () => (await second.status()).peers.length === 2);
    expect((await first.status()).peers.map(({ name }) => name)).toEqual(['first', 'second']);

    // A third PC without a mesh hears of this one, and is told what to do instead of making another.
    const third = await runCli(['start'], { PEER_HOME: join(folder, 'third') });
    expect(third.code).toBe(2);
    expect(third.stderr).toContain('peer join CODE');
  } finally {
    await first.end();
    await second.end();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

it('a killed peer that starts again is who it was, and learns what it has missed', async () => {
  await using mesh = await Mesh.start(generalists.slice(0, 3).map((start) => ({ ...start, args: command })));
  const bare = makeBareRepository(join(mesh.folder, 'sample.git'), { 'README.md': 'A sample.\n' });
  const away = mesh.peer('gamma');
  const { id } = away;
  await away.end('SIGKILL');
  const submit = ['submit', '--repo', bare, '--follow', '--prompt'];
  expect(await mesh.peer('alpha').cli([...submit, 'While it is away'])).toMatchObject({ code: 0 });

  await away.start();
  expect(away.id).toBe(id);
  await mesh.connected();
  const missed = await waitFor('the missed task', async () => {
    const { tasks } = await away.status();
    return tasks[0]?.state === 'done' && tasks[0];
  });
  expect(missed.key).toMatch(/^prompt:/);
  expect(await away.cli([...submit, 'Now that it is back'])).toMatchObject({ code: 0 });
}, 120_000);

it('a peer with another key is never seen, and sees nobody', async () => {
  await using mesh = await Mesh.start(generalists.slice(0, 2));
  await using other = await Mesh.start([
    { name: 'stranger', args: mesh.peers.flatMap(({ addresses }) => ['--peer', addresses[0] ?? '']) },
  ]);
  // By then mDNS and several tries at the addresses that it was given have come to nothing.
  const isTold = () =>
    other
      .peer('stranger')
      .events()
      .some(({ event }) => event === 'nobody-answers');
  await waitFor('the warning', isTold);
  expect((await other.peer('stranger').status()).peers.map(({ name }) => name)).toEqual(['stranger']);
  for (const peer of mesh.peers) {
    expect((await peer.status()).peers.map(({ name }) => name)).toEqual(['alpha', 'beta']);
  }
}, 120_000);

it('SIGTERM in the middle of the work hands it over and ends the peer', async () => {
  const waits = ['--executor', 'command', '--command', untilLetGo('echo done > done.txt')];
  await using mesh = await Mesh.start(generalists.slice(0, 3).map((start) => ({ ...start, args: waits })));
  const bare = makeBareRepository(join(mesh.folder, 'sample.git'), { 'README.md': 'A sample.\n' });
  const { id } = await mesh
    .peer('alpha')
    .json<{ id: string }>(['submit', '--prompt', 'Be handed over', '--repo', bare]);
  const { worker } = await mesh.peer('alpha').taskWhere(id, 'a worker', (task) => task.worker !== null);
  const stopping = mesh.peer(worker ?? '');
  const observer = mesh.peers.find((peer) => peer !== stopping) ?? stopping;
  expect(await stopping.end('SIGTERM')).toBe(0);
  const isDone = ({ state }: TaskJson): boolean => {
    letGo(mesh);
    return state === 'done';
  };
  const done = await observer.taskWhere(id, 'the end elsewhere', isDone, 60_000);
  expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['drained', 'done']);
  expect(done.worker).not.toBe(worker);
}, 120_000);
