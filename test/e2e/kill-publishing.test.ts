import { describe, expect, it } from 'vitest';
import { runs } from './kill.ts';
import { expectNothingLeft } from './leftovers.ts';
import { generalists, names, Scene } from './support.ts';

/** The next attempt may start only when the first one's grant has run out: 30 s. */
const patienceMs = 75_000;

describe('kill -9 of the worker between its push and its pull request', () => {
  it.each(Array.from({ length: runs }, (_, run) => run + 1))(
    'run %i',
    async () => {
      await using scene = await Scene.start(generalists, 'sed -i s/helo/hello/ greeting.txt');
      const id = await scene.submit('alpha');
      const task = await scene.task('alpha', id, 'a worker', ({ worker }) => worker !== null);
      const worker = scene.peer(task.worker ?? '');
      // The branch is there; whether it has a pull request is what its peer asks next, and never hears.
      let pushed = '';
      const kill = (): void => {
        pushed = scene.branches()['peer/issue-7'] ?? '';
        worker.signal('SIGKILL');
      };
      scene.github.plan('pulls/list', { type: 'first', run: kill });
      const observer = names.find((name) => name !== worker.name && name !== 'alpha') ?? '';
      const done = await scene.done(observer, id, patienceMs);
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
