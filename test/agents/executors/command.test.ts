import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandExecutor } from '../../../src/agents/executors/command.ts';
import type {
  ExecutorContext,
  ExecutorEvent,
  ExecutorOutcome,
  RunLimits,
} from '../../../src/agents/executors/executor.ts';
import { nobodySpecial } from '../../../src/agents/specialists/specialist.ts';
import { type Behaviour, executorContract } from '../../contracts/executor.ts';
import { waitFor } from '../../support/wait.ts';
import { alive, taskFor, useFolder } from '../support.ts';

const folder = useFolder();
let events: ExecutorEvent[] = [];
let mark = '';
let abort: AbortController;

beforeEach(() => {
  events = [];
  mark = `command.${randomUUID()}`;
  abort = new AbortController();
});

function run(command: string, limits: Partial<RunLimits> = {}): Promise<ExecutorOutcome> {
  const context: ExecutorContext = {
    task: taskFor('/r'),
    attempt: 3,
    specialist: nobodySpecial,
    prompt: 'the prompt',
    followUp: null,
    limits: { wallMs: 60_000, idleMs: 60_000, turns: 200, costUsd: null, ...limits },
    confine: async (command) => command,
    cwd: folder.path,
    folder: folder.path,
    sessionDir: join(folder.path, 'session'),
    mark,
    signal: abort.signal,
  };
  return new CommandExecutor(command).run(context, (event) => events.push(event));
}
const said = (): readonly string[] => events.flatMap((event) => (event.type === 'progress' ? [event.text] : []));

test('is told where its session is kept', async () => {
  await run('echo "$PEER_SESSION_DIR"');
  expect(said()).toEqual([join(folder.path, 'session')]);
});

test('an agent that ran before cannot make the peer write elsewhere', async () => {
  const outside = join(folder.path, 'outside');
  writeFileSync(outside, 'a person’s own');
  await run(`for file in task.json prompt.txt; do rm "$file"; ln -s ${outside} "$file"; done`);
  expect(await run('cat')).toMatchObject({ type: 'finished', summary: 'the prompt' });
  expect(readFileSync(outside, 'utf8')).toBe('a person’s own');
});

test('has the prompt on its input and the task in a file outside of its folder of work', async () => {
  const outcome = await run('cat; echo; cp "$PEER_TASK_FILE" copy; pwd; echo note >&2');
  expect(outcome).toEqual({ type: 'finished', summary: expect.stringContaining('the prompt') });
  expect(said()).toEqual(['the prompt', folder.path]);
  expect(JSON.parse(readFileSync(join(folder.path, 'copy'), 'utf8'))).toMatchObject({
    title: 'Add a file',
    attempt: 3,
    prompt: 'Please add b.txt.',
    branch: expect.stringMatching(/^peer\/task-/),
    specialist: { name: 'general', model: null },
  });
  expect(events).toContainEqual({ type: 'output', line: 'note', stream: 'stderr' });
});

test('sees no variable but those on the list', async () => {
  const secrets = { GITHUB_TOKEN: 's3cret', PEER_MESH_KEY: 's3cret', ANTHROPIC_API_KEY: 's3cret', MY_OWN: 's3cret' };
  Object.assign(process.env, secrets, { LC_TIME: 'C' });
  try {
    await run('env');
    const names = said().map((line) => line.split('=')[0] ?? '');
    expect(said().join()).not.toContain('s3cret');
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

  test('when it is over its time', async () => {
    const outcome = await run('while :; do echo tick; sleep 0.05; done', { wallMs: 400 });
    expect(outcome).toMatchObject({
      type: 'failed',
      reason: expect.stringContaining("after 0.4 s, the task's time limit"),
    });
    expect(alive(mark)).toBe(0);
  });

  test('when it has been silent for too long, but not before', async () => {
    const outcome = await run('for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; setsid sleep 300', { idleMs: 400 });
    expect(outcome).toMatchObject({
      type: 'failed',
      reason: expect.stringMatching(/after 0.4 s without output.*5 \| 6$/),
    });
    expect(alive(mark)).toBe(0);
  });
});

test('an abort ends all of it', async () => {
  const outcome = run('setsid sleep 300 & echo up; wait');
  await waitFor('the command', () => said().includes('up'));
  abort.abort();
  expect(await outcome).toEqual({ type: 'interrupted' });
  expect(alive(mark)).toBe(0);
});

test('an abort before it starts starts nothing', async () => {
  abort.abort();
  expect(await run('touch ran')).toEqual({ type: 'interrupted' });
  expect(alive(mark)).toBe(0);
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
