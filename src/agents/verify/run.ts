import { mkdtemp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ExecutorContext, RunLimits } from '../executors/executor.ts';
import { inWords, type LimitedExit, runLimited } from '../executors/limited.ts';
import { bareEnvironment } from '../processes/environment.ts';
import type { OutputStream } from '../processes/supervised.ts';
import type { Chosen } from './choose.ts';
import { Tail } from './tail.ts';
import type { Verdict } from './verdict.ts';

/** The exit code of a shell that knows no such command. */
const notFound = 127;

/** In characters: enough to see what fails, and little of an agent's attention. */
const tailLength = 8 * 1024;

export interface VerifyRun {
  readonly command: Extract<Chosen, { type: 'command' }>;
  /** An existing folder of the attempt's, outside of the clone. */
  readonly folder: string;
  readonly mark: string;
  readonly limits: Pick<RunLimits, 'wallMs' | 'idleMs'>;
  readonly confine: ExecutorContext['confine'];
  readonly signal: AbortSignal;
  readonly onLine: (line: string, stream: OutputStream) => void;
}

/**
 * Runs the repository's test command in the agent's clone. What it does is up to files that the agent could change, so
 * it is confined as the agent is, and knows as little.
 */
export async function runVerify(run: VerifyRun): Promise<Verdict | { readonly type: 'interrupted' }> {
  const { command, mark, limits, confine, signal, onLine } = run;
  // Of a name that the agent could not know: it may have left something at any other.
  const folder = await mkdtemp(join(run.folder, 'verify-'));
  const inherited = bareEnvironment(folder);
  const env = {
    ...inherited,
    PATH: [join(command.folder, '.venv', 'bin'), inherited.PATH ?? ''].join(delimiter),
    // Test runners watch files for ever where they think that a person looks on.
    CI: 'true',
  };
  const args = ['-c', command.line];
  const confined = await confine(
    { file: '/bin/sh', args, cwd: command.folder, env, mark, stdin: '/dev/null', folder },
    { readable: [], writable: [], hosts: [] },
  );
  const tail = new Tail(tailLength);
  const exit = await runLimited(confined, limits, signal, (line, stream) => {
    tail.push(line);
    onLine(line, stream);
  });
  return judge(exit, command.name, limits, tail.text);
}

function judge(exit: LimitedExit, command: string, limits: VerifyRun['limits'], tail: string) {
  const failed = (how: string): Verdict => ({ type: 'failed', command, how, tail });
  switch (exit.type) {
    case 'exited':
      if (exit.code === 0) return { type: 'passed', command } as const;
      // The shell's own: no agent can mend that a program is not on this PC.
      if (exit.code === notFound)
        return { type: 'not-run', reason: `\`${command}\` was not found on this PC` } as const;
      return failed(`ended with ${exit.signal ?? `exit code ${exit.code}`}`);
    case 'not-started':
      return failed(`could not run: ${exit.reason}`);
    case 'interrupted':
      return exit;
    case 'over-time':
      return failed(`was stopped after ${inWords(limits.wallMs)}`);
    case 'silent':
      return failed(`was stopped after ${inWords(limits.idleMs)} without output`);
  }
}
