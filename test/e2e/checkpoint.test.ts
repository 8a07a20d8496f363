import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { patientMs, waitFor } from '../support/wait.ts';
import { generalists, Scene } from './support.ts';

/** The first to work on it does half, and never ends; whoever finds that half does the rest. */
const command =
  'if [ -e half.txt ]; then echo rest > rest.txt; else echo half > half.txt; echo it is half done; exec sleep 600; fi';

it('what a killed worker had saved is gone on with elsewhere, and published', async () => {
  const starts = generalists.map((start) => ({ ...start, args: ['--checkpoint-every', '1s'] }));
  await using scene = await Scene.start(starts, command);
  const id = await scene.submit('alpha');
  const saved = await scene.task('alpha', id, 'a checkpoint', ({ attempts }) =>
    attempts.some(({ checkpoints }) => checkpoints.length > 0),
  );
  const witness = scene.mesh.peers.find((peer) => peer.id !== saved.worker);
  if (saved.worker === null || witness === undefined) throw new Error('nobody works on it');
  await scene.peer(saved.worker).end('SIGKILL');
  const done = await scene.done(witness.name, id, 60_000);
  expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['lapsed', 'done']);
  const { commit } = done.result ?? {};
  expect(scene.filesAt(commit ?? '')).toEqual(['greeting.txt', 'half.txt', 'rest.txt']);
  expect(scene.pullsFor(7)).toBe(1);

  // An ended task needs none of it any more.
  const copies = (): readonly string[] =>
    scene.mesh.peers
      .filter(({ isAlive }) => isAlive)
      .map(({ home }) => join(home, 'checkpoints'))
      .flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  await waitFor('the checkpoints are gone', () => copies().length === 0, patientMs, copies);
}, 120_000);

it('a worker that is stopped hands its work over as it is', async () => {
  await using scene = await Scene.start(generalists.slice(0, 3), command);
  const id = await scene.submit('alpha');
  const { worker } = await scene.task('alpha', id, 'a worker', (task) => task.worker !== null);
  const witness = scene.mesh.peers.find((peer) => peer.id !== worker);
  if (worker === null || witness === undefined) throw new Error('nobody works on it');
  await waitFor('half of it', async () => {
    const { text } = await scene.peer(witness.name).json<{ text: string }>(['logs', id]);
    return text.includes('it is half done');
  });
  expect(await scene.peer(worker).end('SIGTERM')).toBe(0);
  const done = await scene.done(witness.name, id, 60_000);
  expect(done.attempts.map(({ outcome }) => outcome)).toEqual(['drained', 'done']);
  expect(scene.filesAt(done.result?.commit ?? '')).toEqual(['greeting.txt', 'half.txt', 'rest.txt']);
}, 120_000);
