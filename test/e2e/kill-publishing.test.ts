import { describe, expect, it } from 'vitest';
import { runs } from './kill.ts';
import { expectNothingLeft } from './leftovers.ts';
import { names, Scene } from './support.ts';

/** The next attempt may start only when the first one's grant has run out: 30 s. */
const patienceMs = 75_000;

describe('kill -9 of the worker between its push and its pull request', () => {
  it.each(Array.from({ length: runs }, (_, run) => run + 1))(
    'run %i',
    async () => {
      const starts = names.map((name) => ({ name, args: name === 'delta' ? ['--specialties', 'backend'] : [] }));
      await using scene = await Scene.start(starts, 'sed -i s/helo/hello/ greeting.txt');
      // The branch is there; whether it has a pull request is what its peer asks next, and never hears.
      let pushed = '';
      const kill = (): void => {
        pushed = scene.branches()['peer/issue-7'] ?? '';
        scene.peer('delta').signal('SIGKILL');
      };
      scene.github.plan('pulls/list', { type: 'first', run: kill });
      const id = await scene.submit('alpha');
      const done = await scene.done('beta', id, patienceMs);
      expect(pushed).not.toBe('');
      expect(scene.pullsFor(7)).toBe(1);
      expect(done.attempt).toBe(2);
      // Taken over, not made again.
      expect(done.result?.commit).toBe(pushed);
      await expectNothingLeft(scene.mesh);
    },
    150_000,
  );
});
