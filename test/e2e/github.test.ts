import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Env, runCli } from '../support/cli.ts';
import type { TaskJson } from '../support/mesh.ts';
import { git } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';
import { names, Scene, slug } from './support.ts';

let scene: Scene;
beforeAll(async () => {
  const starts = names.map((name) => ({ name, args: ['--specialties', name === 'delta' ? 'backend' : 'frontend'] }));
  scene = await Scene.start(starts, 'sed -i s/helo/hello/ greeting.txt && echo mended');
});
afterAll(() => scene[Symbol.asyncDispose]());

it('an unknown issue, a wrong token and an unknown repository are one clear line each, and exit 2', async () => {
  const { env } = scene.peer('alpha');
  const submit = (issue: string, repo: string, extra: Env = {}) =>
    runCli(['submit', '--issue', issue, '--repo', repo], { ...env, ...extra });
  const unknownIssue = await submit('999', slug);
  const wrongToken = await submit('7', slug, { GITHUB_TOKEN: 'wrong' });
  const unknownRepository = await submit('7', 'acme/nothing');
  for (const { code, stdout, stderr } of [unknownIssue, wrongToken, unknownRepository]) {
    expect({ code, stdout, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, stdout: '', lines: 1 });
  }
  expect(unknownIssue.stderr).toContain('999');
  expect(wrongToken.stderr).toContain('GITHUB_TOKEN');
  expect(unknownRepository.stderr).toContain('acme/nothing');
  expect((await scene.status('alpha')).tasks).toEqual([]);
});

it('an issue labelled backend becomes one pull request, made by the backend peer', async () => {
  const followed = await scene.peer('alpha').cli(['submit', '--issue', '7', '--repo', slug, '--follow', '--json']);
  expect(followed, followed.stderr).toMatchObject({ code: 0 });

  const task = JSON.parse(followed.stdout.trim().split('\n').at(-1) ?? '') as TaskJson;
  expect(scene.peer(task.worker ?? '').name).toBe('delta');
  expect(task.bids.map(({ peer }) => scene.peer(peer).name).toSorted()).toEqual([...names].toSorted());
  const pulls = scene.github.pulls();
  expect(pulls).toHaveLength(1);
  expect(pulls[0]).toMatchObject({ head: 'peer/issue-7', base: 'main', state: 'open' });
  expect(task.result?.pullRequest).toMatchObject({ number: pulls[0]?.number });
  expect(git(scene.bare, 'show', 'peer/issue-7:greeting.txt')).toBe('hello');

  const again = await scene.peer('beta').cli(['submit', '--issue', '7', '--repo', slug]);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).toContain(task.id.slice(0, 8));
  expect(scene.github.pulls()).toHaveLength(1);
  expect(scene.github.violations()).toEqual([]);
});

it('five peers submit one issue at the same moment: one task survives, with one pull request', async () => {
  const submitted = await Promise.all(
    names.map((name) => scene.peer(name).cli(['submit', '--issue', '8', '--repo', slug, '--follow'])),
  );
  expect(submitted.map(({ code, stderr }) => ({ code, stderr }))).toEqual(names.map(() => ({ code: 0, stderr: '' })));
  const isForIssue8 = ({ key }: TaskJson): boolean => key.includes('#8');
  const tasks = await waitFor('every task has ended on every peer', async () => {
    const all = await Promise.all(names.map(async (name) => (await scene.status(name)).tasks.filter(isForIssue8)));
    const ended = all.every((list) => list.every(({ state }) => state === 'done' || state === 'cancelled'));
    return ended && all[0];
  });
  expect(tasks.filter(({ state }) => state === 'done')).toHaveLength(1);
  const survivor = tasks.find(({ state }) => state === 'done');
  for (const { state, duplicateOf } of tasks) if (state === 'cancelled') expect(duplicateOf).toBe(survivor?.id);
  expect(scene.pullsFor(8)).toBe(1);
});
