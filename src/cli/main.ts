import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { nearest } from '../peer/home/nearest.ts';
import { addAdopt } from './commands/adopt.ts';
import { addAgents } from './commands/agents.ts';
import { addCancel } from './commands/cancel.ts';
import { addDoctor } from './commands/doctor.ts';
import { addLogs } from './commands/logs.ts';
import { addInit, addInvite, addJoin } from './commands/mesh.ts';
import { addRetry } from './commands/retry.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addStop } from './commands/stop.ts';
import { addSubmit } from './commands/submit.ts';
import { addTask, addTasks } from './commands/tasks.ts';
import type { Context } from './context.ts';
import { type CliError, type ExitCode, ExitCodes, endingOf, usageError } from './errors.ts';
import { clipped, printable } from './output.ts';

type World = Omit<Context, 'exit' | 'version'>;

/** Runs the command line of this process: the only place that exits. */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`peer tasks | head`) is no error.
  process.stdout.on('error', () => process.exit());
  const code = await run(args, {
    env: process.env,
    cwd: process.cwd(),
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    ask: process.stdin.isTTY === true ? ask : null,
  });
  // Not by running out of work: nothing that is left open may hold a command back.
  process.stdout.write('', () => process.exit(code));
}

/** On stderr, so that stdout is what was asked for. An answer that never comes, since the input ended, is empty. */
async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  terminal.once('close', () => resolve(''));
  const answer = await Promise.race([terminal.question(question), ended]);
  terminal.close();
  return answer;
}

/** Parses, runs one command, and says how it ended. */
export async function run(args: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = ExitCodes.done;
  const context: Context = {
    ...world,
    version: versionOf(new URL('../../package.json', import.meta.url)),
    exit: (given) => {
      code = given;
    },
  };
  const program = programOf(context);
  if (args.length === 0) {
    context.err(program.helpInformation().trimEnd());
    return ExitCodes.usage;
  }
  try {
    const unknown = unknownIn(program, args);
    if (unknown !== null) throw noSuchCommand(program, unknown);
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    const command = program.commands.find((one) => one.name() === args[0])?.name() ?? '';
    const ending = endingOf(error, command);
    if (ending.message !== null) context.err(`peer: ${ending.message}`);
    const isDebug = ending.message !== null && context.env.LOG_LEVEL === 'debug';
    if (isDebug && error instanceof Error) context.err(error.stack ?? error.message);
    return ending.exitCode;
  }
}

/** A command that there is not, alone: the help of all others is no answer to `peer nonsense --help`. */
function unknownIn(program: Command, [first = '', second]: readonly string[]): string | null {
  const name = first === 'help' ? second : first;
  if (name === undefined || name.startsWith('-') || name === 'help') return null;
  return program.commands.some((one) => one.name() === name) ? null : name;
}

function noSuchCommand(program: Command, name: string): CliError {
  const meant = nearest(
    name,
    program.commands.map((one) => one.name()),
  );
  const suggestion = meant === null ? '' : ` (Did you mean ${meant}?)`;
  return usageError(`unknown command '${clipped(printable(name), 60)}'${suggestion}: see \`peer --help\``);
}

const commands = [
  addInit,
  addInvite,
  addJoin,
  addStart,
  addSubmit,
  addStatus,
  addTasks,
  addTask,
  addLogs,
  addCancel,
  addRetry,
  addAdopt,
  addStop,
  addAgents,
  addDoctor,
];

function programOf(context: Context): Command {
  const program = new Command('peer')
    .description('One peer on each of your PCs, no server anywhere, and GitHub issues become pull requests.')
    .version(context.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      // Said once, in one line, by `run`.
      writeErr: () => {},
      getOutHelpWidth: () => 80,
    })
    .addHelpText('after', examples);
  for (const add of commands) add(program, context);
  return program;
}

const examples = `
Examples:
  peer start --specialties backend --executor command --command ~/agent.sh
  peer submit --issue 7 --repo acme/widgets --follow

Exit codes: 0 done, also where a draft pull request says that the tests fail;
1 the work failed; 2 usage or configuration; 3 cancelled; 4 no peer is running
here, or none was found; 130 Ctrl-C while a task was followed, which goes on.

PEER_HOME names the state folder, ~/.issue-mesh without it.`;

const versionOf = (file: URL): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
