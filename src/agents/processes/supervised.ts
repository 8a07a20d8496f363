import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { LineSplitter } from '../lines.ts';
import { ProcessTree } from './process-tree.ts';
import type { FromSupervisor, ToSupervisor } from './supervisor.ts';

export interface SupervisedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; the mark is added. */
  readonly env: Readonly<Record<string, string>>;
  /** Names the run, unguessable: whatever carries it is killed in the end. */
  readonly mark: string;
  /** A file that becomes standard input. */
  readonly stdin: string;
  /** An existing folder for the output's pipes. */
  readonly folder: string;
}

export type OutputStream = 'stdout' | 'stderr';

export type Exit =
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'not-started'; readonly reason: string };

export interface Supervised {
  /** Resolves when no process is left and all output was handed on. */
  readonly done: Promise<Exit>;
  /** Ends the whole tree; resolves with `done`. */
  kill(): Promise<void>;
}

const supervisorPath = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './supervisor.ts' : './supervisor.js', import.meta.url),
);

/** Starts a command under a supervisor of its own. Its lines come as they are written. */
export async function supervise(
  command: SupervisedCommand,
  onLine: (line: string, stream: OutputStream) => void,
): Promise<Supervised> {
  const stdin = openSync(command.stdin, constants.O_RDONLY);
  const stdout = await openPipe(join(command.folder, 'stdout'), (line) => onLine(line, 'stdout'));
  const stderr = await openPipe(join(command.folder, 'stderr'), (line) => onLine(line, 'stderr'));
  const supervisor = fork(supervisorPath, [], {
    stdio: [stdin, stdout.writeEnd, stderr.writeEnd, 'ipc'],
    // Nothing of ours: whatever the agent starts can read the environment of its supervisor.
    env: {},
    execArgv: [],
    // Ctrl-C on the peer's terminal must reach the peer alone.
    detached: true,
  });
  for (const fd of [stdin, stdout.writeEnd, stderr.writeEnd]) closeSync(fd);
  const told = outcomeOf(supervisor, command.mark);
  send(supervisor, { type: 'start', ...pick(command) });
  const done = told.then(async (exit) => {
    await Promise.all([stdout.drained(), stderr.drained()]);
    return exit;
  });
  return {
    done,
    kill: async () => {
      send(supervisor, { type: 'kill' });
      await done;
    },
  };
}

const pick = ({ file, args, cwd, env, mark }: SupervisedCommand): Omit<SupervisedCommand, 'stdin' | 'folder'> => ({
  file,
  args,
  cwd,
  env,
  mark,
});

function outcomeOf(supervisor: ChildProcess, mark: string): Promise<Exit> {
  return new Promise((resolve) => {
    let exit: Exit | null = null;
    let empty = false;
    supervisor.on('message', (message: FromSupervisor) => {
      if (message.type === 'empty') empty = true;
      else exit = message;
    });
    const ended = (reason: string): void => {
      const outcome: Exit = exit ?? { type: 'not-started', reason };
      // A supervisor that was itself killed leaves its work to us.
      if (empty) resolve(outcome);
      else void new ProcessTree(mark).kill().then(() => resolve(outcome));
    };
    supervisor.once('error', (error) => ended(error.message));
    // Its exit may be heard of before its last messages: those have come once the channel is closed.
    const silent = new Promise<void>((resolve) => supervisor.once('disconnect', resolve));
    supervisor.once('exit', (code, signal) => {
      void silent.then(() => ended(`its supervisor ended (${signal ?? `exit code ${code}`})`));
    });
  });
}

function send(supervisor: ChildProcess, message: ToSupervisor): void {
  // The callback takes the error of a supervisor that has just ended; its exit tells the rest.
  if (supervisor.connected) supervisor.send(message, () => {});
}

interface ReadPipe {
  readonly writeEnd: number;
  /** Resolves at the end of the output, or soon after where a process that escaped keeps the pipe open. */
  drained(): Promise<void>;
}

const DrainMs = 500;

/**
 * A named pipe, because node's own child streams are sockets, on which a shell's `> /dev/stderr` fails. The write end
 * is opened in blocking mode: the agent inherits it.
 */
async function openPipe(path: string, onLine: (line: string) => void): Promise<ReadPipe> {
  await rm(path, { force: true });
  await execa('mkfifo', ['-m', '600', path]);
  const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
  const writeEnd = openSync(path, constants.O_WRONLY);
  await rm(path);
  const lines = new LineSplitter(onLine);
  reader.on('data', (chunk) => lines.write(chunk));
  reader.on('error', () => {});
  const closed = new Promise<void>((resolve) => reader.once('close', () => resolve()));
  const drained = async (): Promise<void> => {
    await Promise.race([closed, sleep(DrainMs, undefined, { ref: false })]);
    reader.destroy();
    lines.end();
  };
  return { writeEnd, drained };
}
