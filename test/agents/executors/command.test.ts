import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CommandExecutor } from '../../../src/agents/executors/command.ts';
import type { ExecutorOutcome } from '../../../src/agents/executors/executor.ts';
import { type Behaviour, type Changes, executorContract, useBench } from '../../contracts/executor.ts';
import { alive } from '../support.ts';

const bench = useBench();
const run = (command: string, changes?: Changes): Promise<ExecutorOutcome> =>
  bench.run(new CommandExecutor(command), { prompt: 'the prompt', ...changes });
/** Where the peer keeps what is the attempt's, beside the clone. */
const folder = (): string => join(bench.cwd, '..', 'agent');

test('is told where its session is kept', async () => {
  await run('echo "$PEER_SESSION_DIR"');
  expect(bench.progress()).toEqual([bench.sessionDir]);
});

test('an agent that ran before cannot make the peer write elsewhere', async () => {
  const outside = join(bench.cwd, '..', 'outside');
  writeFileSync(outside, 'a person’s own');
  await run(`cd ${folder()}; for file in task.json prompt.txt; do rm "$file"; ln -s ${outside} "$file"; done`);
  expect(await run('cat')).toMatchObject({ type: 'finished', summary: 'the prompt' });
  expect(readFileSync(outside, 'utf8')).toBe('a person’s own');
});

test('has the prompt on its input and the task in a file outside of its folder of work', async () => {
  const outcome = await run('cat; echo; cp "$PEER_TASK_FILE" copy; pwd; echo note >&2');
  expect(outcome).toEqual({ type: 'finished', summary: expect.stringContaining('the prompt') });
  expect(bench.progress()).toEqual(['the prompt', bench.cwd]);
  expect(JSON.parse(bench.read('copy') ?? '')).toMatchObject({
    title: 'Add a file',
    attempt: 1,
    prompt: 'Please add b.txt.',
    branch: expect.stringMatching(/^peer\/task-/),
    specialist: { name: 'general', model: null },
  });
  expect(bench.events).toContainEqual({ type: 'output', line: 'note', stream: 'stderr' });
});

test('sees no variable but those on the list', async () => {
  const secrets = { GITHUB_TOKEN: 's3cret', PEER_MESH_KEY: 's3cret', ANTHROPIC_API_KEY: 's3cret', MY_OWN: 's3cret' };
  Object.assign(process.env, secrets, { LC_TIME: 'C' });
  try {
    await run('env');
    const names = bench.progress().map((line) => line.split('=')[0] ?? '');
    expect(bench.progress().join()).not.toContain('s3cret');
    expect(names).toEqual(expect.arrayContaining(['PATH', 'HOME', 'TMPDIR', 'PEER_TASK_FILE', 'LC_TIME']));
    const allowed =
      /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TERM|TZ|TMPDIR|PWD|_|SHLVL|OLDPWD|PEER_TASK_FILE|PEER_SESSION_DIR|ISSUE_MESH_RUN|GIT_TERMINAL_PROMPT)$/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  } finally {
    for (const name of [...Object.keys(secrets), 'LC_TIME']) delete process.env[name];
  }
});

describe('it has failed', () => {
  test('by its exit code, and its last lines say why', async () => {
    const outcome = await run('seq 1 50; echo "no such module" >&2; exit 4');
    expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/exit code 4.*50.*no such module/) });
  });

  test('when it has been silent for too long, but not before', async () => {
    const command = 'for i in 1 2 3 4 5; do echo $i; sleep 0.3; done; setsid sleep 300';
    const outcome = await run(command, { limits: { idleMs: 1_000 } });
    expect(outcome).toMatchObject({
      type: 'failed',
      reason: expect.stringMatching(/after 1 s without output.*4 \| 5$/),
    });
    expect(alive(bench.mark)).toBe(0);
  });
});

const behaviours: Readonly<Record<Behaviour, string>> = {
  finishes: 'echo b > b.txt; echo all done',
  fails: 'echo no such module >&2; exit 4',
  goesOnForEver: 'while :; do echo again; sleep 0.1; done',
  fallsSilent: 'echo b > b.txt; echo up; sleep 300',
  startsAnother: 'setsid sh -c "touch up.txt; sleep 300" & wait',
  isInterrupted: `
    if test -e "$PEER_SESSION_DIR/first"; then echo 2 > second.txt; exit; fi
    echo 1 > first.txt; touch "$PEER_SESSION_DIR/first" begun.txt; sleep 300`,
};
executorContract('command', async () => ({
  limitMs: 2_000,
  executor: (behaviour) => new CommandExecutor(behaviours[behaviour]),
  close: async () => {},
}));
