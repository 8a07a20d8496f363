import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { branchOf } from '../../protocol/record.ts';
import { writeFresh } from '../fresh-file.ts';
import { LastLines } from '../lines.ts';
import { agentEnvironment } from '../processes/environment.ts';
import { programsIn } from '../sandbox/tools.ts';
import type { Executor, ExecutorContext, ExecutorEvent, ExecutorOutcome, RunLimits, Usable } from './executor.ts';
import { cutShort, type LimitedExit, runLimited } from './limited.ts';

const tailLines = 10;
const tailLine = 300;

/**
 * Any agent that is a command: it runs in the clone through the shell, with the prompt on its standard input and
 * `PEER_TASK_FILE` naming the task as JSON. What it writes to `PEER_SESSION_DIR` is there again when another attempt
 * goes on. Its lines on stdout are its progress; exit code 0 says that it has finished.
 */
export class CommandExecutor implements Executor {
  readonly name = 'command';
  readonly session = 'command';
  readonly #command: string;

  constructor(command: string) {
    this.#command = command;
  }

  async usable(): Promise<Usable> {
    return { usable: true };
  }

  async run(context: ExecutorContext, onEvent: (event: ExecutorEvent) => void): Promise<ExecutorOutcome> {
    const { folder, sessionDir, cwd, mark, limits, confine, signal } = context;
    const taskFile = join(folder, 'task.json');
    const stdin = join(folder, 'prompt.txt');
    const tmp = join(folder, 'tmp');
    await mkdir(tmp, { recursive: true });
    await writeFresh(taskFile, JSON.stringify(taskForCommands(context), null, 2));
    await writeFresh(stdin, [context.prompt, ...(context.followUp === null ? [] : [context.followUp])].join('\n'));
    const tail = new LastLines(tailLines, tailLine);
    const command = {
      file: '/bin/sh',
      args: ['-c', this.#command],
      cwd,
      env: agentEnvironment({ tmp, taskFile, sessionDir }),
      mark,
      stdin,
      folder,
    };
    const exit = await runLimited(
      await confine(command, { readable: await programsIn(this.#command, homedir()), writable: [], hosts: [] }),
      limits,
      signal,
      (line, stream) => {
        onEvent({ type: 'output', line, stream });
        const text = tail.push(line);
        if (text !== '' && stream === 'stdout') onEvent({ type: 'progress', text });
      },
    );
    return outcomeOf(exit, limits, tail.all);
  }
}

function outcomeOf(exit: LimitedExit, limits: RunLimits, tail: readonly string[]): ExecutorOutcome {
  const failed = (what: string): ExecutorOutcome => ({
    type: 'failed',
    reason: tail.length === 0 ? `${what}, without any output` : `${what}; its last output: ${tail.join(' | ')}`,
  });
  switch (exit.type) {
    case 'exited':
      if (exit.code === 0) return { type: 'finished', summary: tail.length === 0 ? null : tail.join('\n') };
      return failed(`the command ended with ${exit.signal ?? `exit code ${exit.code}`}`);
    case 'not-started':
      return failed(`the command could not run: ${exit.reason}`);
    case 'interrupted':
      return { type: 'interrupted' };
    case 'over-time':
    case 'silent':
      return failed(`the command ${cutShort(exit.type, limits)}`);
  }
}

/** The content of `PEER_TASK_FILE`. Fields may be added, never renamed: people's scripts read them. */
const taskForCommands = ({ task, attempt, specialist }: ExecutorContext) => ({
  id: task.id,
  attempt,
  branch: branchOf(task),
  key: task.body.key,
  title: task.body.title,
  prompt: task.body.prompt,
  source: task.body.source,
  repository: task.body.repository,
  base: task.body.base,
  path: task.body.path,
  verify: task.body.verify,
  requires: task.body.requires,
  priority: task.body.priority,
  limits: task.body.limits,
  specialist: {
    name: specialist.name,
    prompt: specialist.prompt,
    model: specialist.model,
    tools: specialist.tools,
  },
});
