import { expect, it } from 'vitest';
import { generalists, Scene, slug } from './support.ts';

/** It changes something each time, and never what is asked for. */
const command = 'echo again >> greeting.txt; echo tried';

it('what still fails after two rounds of fixes is a draft pull request that says so', async () => {
  await using scene = await Scene.start(generalists.slice(0, 2), command);
  const verify = 'wc -l < greeting.txt; grep hello greeting.txt || { echo "no hello for @everyone"; exit 9; }';
  const submit = ['submit', '--issue', '7', '--repo', slug, '--verify', verify];
  const { id } = await scene.peer('alpha').json<{ id: string }>(submit);
  const done = await scene.done('beta', id);
  expect(done).toMatchObject({ attempt: 1, result: { verified: false, pullRequest: { number: expect.any(Number) } } });
  const [pull, ...others] = scene.github.pulls();
  expect(others).toEqual([]);
  expect(pull).toMatchObject({ head: 'peer/issue-7', state: 'open', draft: true });
  // Three lines were added to the one that was there: the agent's first try, and the two rounds.
  expect(pull?.body).toMatch(
    /^Closes #7\.\n\n\*\*Not ready: .* ended with exit code 9\.\*\*\n\n```text\n4\nno hello for @everyone\n```/,
  );
  expect(scene.github.violations()).toEqual([]);
  const { stdout } = await scene.peer('alpha').cli(['task', id]);
  expect(stdout).toContain('not ready: its tests fail');
}, 120_000);
