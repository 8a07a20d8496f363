import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built command, as a person's `peer` would run it. */
export const cliPath = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** Nothing of this machine's set-up leaks into a peer under test but where its programs are. */
export const cleanEnv = (extra: Env = {}): NodeJS.ProcessEnv => ({
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  HOME: process.env.HOME,
  LANG: 'C.UTF-8',
  ...extra,
});

/** `bin` is another `peer` to run than the built one, by its shebang. */
export interface CliOptions {
  readonly cwd?: string | undefined;
  readonly bin?: string | undefined;
  readonly deadlineMs?: number;
}

export function spawnCli(args: readonly string[], env: Env, { cwd, bin }: CliOptions = {}): ChildProcess {
  const [program, first] = bin === undefined ? [process.execPath, [cliPath]] : [bin, []];
  return spawn(program, [...first, ...args], {
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** Runs a command to its end; a deadline ends a hanging one with SIGKILL, which shows as code null. */
export async function runCli(args: readonly string[], env: Env, options: CliOptions = {}): Promise<CliResult> {
  const child = spawnCli(args, env, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.deadlineMs ?? 60_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, stdout, stderr };
}
