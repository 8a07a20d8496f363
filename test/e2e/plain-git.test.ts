import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Mesh } from '../support/mesh.ts';
import { branchesOf, git, makeBareRepository } from '../support/repository.ts';
import { generalists } from './support.ts';

const command = ['--executor', 'command', '--command', 'sed -i s/helo/hello/ greeting.txt && echo mended'];

it('five peers find each other with no address given, and turn a prompt into a branch', async () => {
  await using mesh = await Mesh.start(generalists.map((start) => ({ ...start, args: command })));
  mkdirSync(join(mesh.folder, 'repos'));
  const bare = makeBareRepository(join(mesh.folder, 'repos', 'greeting.git'), { 'greeting.txt': 'helo world\n' });
  const submit = ['submit', '--prompt', 'Fix the greeting', '--repo', bare, '--follow'];
  const followed = await mesh.peer('alpha').cli(submit);
  expect(followed, followed.stderr).toMatchObject({ code: 0 });

  const beta = mesh.peer('beta');
  const { tasks } = await beta.status();
  expect(tasks).toHaveLength(1);
  const task = await beta.done(tasks[0]?.id ?? '');
  expect(task).toMatchObject({ attempt: 1, result: { pullRequest: null } });
  const branch = task.result?.branch ?? '';
  expect(branchesOf(bare)[branch]).toBe(task.result?.commit);
  expect(git(bare, 'show', `${branch}:greeting.txt`)).toBe('hello world');
  expect(git(bare, 'log', '-1', '--format=%(trailers:key=Mesh-Task,valueonly)', branch)).toBe(task.id);
}, 120_000);
