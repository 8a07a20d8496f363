import { expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { clonesOf } from './gate.ts';
import { runs } from './kill.ts';
import { expectNothingLeft } from './leftovers.ts';
import { generalists, Scene } from './support.ts';

/** The next attempt may start only when the first one's grant has run out: 30 s. */
const patienceMs = 75_000;

it.each(runs)(
  'kill -9 of the worker between its push and its pull request, run %i',
  async () => {
    await using scene = await Scene.start(generalists, 'sed -i s/helo/hello/ greeting.txt');
    // The branch is there; whether it has a pull request is what its peer asks next, and never hears.
    let pushed = '';
    const kill = (): void => {
      pushed = scene.branches()['peer/issue-7'] ?? '';
      scene.mesh.peers.find((peer) => clonesOf(peer).length > 0)?.signal('SIGKILL');
    };
    scene.github.plan('pulls/list', { type: 'first', run: kill });
    const id = await scene.submit('alpha');
    const witness = await waitFor('somebody was killed', () => {
      const alive = scene.mesh.peers.filter(({ isAlive }) => isAlive);
      return alive.length < scene.mesh.peers.length && alive[0];
    });
    const done = await scene.done(witness.name, id, patienceMs);
    expect(pushed).not.toBe('');
    expect(scene.pullsFor(7)).toBe(1);
    expect(done.attempt).toBe(2);
    // Taken over, not made again.
    expect(done.result?.commit).toBe(pushed);
    await expectNothingLeft(scene.mesh);
  },
  150_000,
);
