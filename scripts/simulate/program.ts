import { Command, Option } from 'commander';
import { choice, specialties } from '../../src/cli/values.ts';
import { Profiles } from '../../test/sim/result.ts';
import type { Context } from './context.ts';
import { mutants } from './mutants/catalogue.ts';
import { huntMutants } from './mutants/command.ts';
import { scaling } from './scaling.ts';
import { seeds } from './seeds.ts';
import { simulate } from './single.ts';
import { swarm } from './swarm.ts';
import { usageLine } from './usage.ts';
import { lengthIn, mutant, mutantList, sizes, wholeNumber } from './values.ts';
import { Engines, type ExitCode, ExitCodes } from './violations.ts';

/** Parses, runs one command, and says how it ended. What is no mistake of the command line is thrown on. */
export async function runProgram(args: readonly string[], context: Omit<Context, 'exit'>): Promise<ExitCode> {
  let code: ExitCode = ExitCodes.fine;
  const exit = (given: ExitCode): void => {
    code = given;
  };
  try {
    await programOf({ ...context, exit }).parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    const line = usageLine(error);
    if (line === null) throw error;
    if (line === '') return ExitCodes.fine;
    context.err(`simulate: ${line}`);
    return ExitCodes.usage;
  }
}

const peerCount = wholeNumber(0, 1_000);
const taskCount = wholeNumber(0, 1_000_000);
const seed = wholeNumber(0, 2 ** 32 - 1);
const profile = (fallback: (typeof Profiles)[number]): Option =>
  new Option('--profile <name>', `${Profiles.join(', ')}: how many faults there are`)
    .default(fallback)
    .argParser(choice(Profiles));
const minutes = (usually: string): Option =>
  new Option('--minutes <n>', `virtual minutes of tasks and faults (${usually})`).argParser(lengthIn('minutes'));

function programOf(context: Context): Command {
  const program = new Command('simulate')
    .description('The shipped core of many peers in one process, on a virtual network, disk and clock, from one seed.')
    .option('--peers <n>', 'peers of the mesh; 0 = by the seed', peerCount, 10)
    .option('--tasks <n>', 'tasks that people submit; 0 = by the seed', taskCount, 40)
    .option('--seed <n>', 'the same seed is the same run', seed, 42)
    .addOption(profile('rough'))
    .addOption(minutes('30, or what the tasks need').conflicts('hours'))
    .addOption(new Option('--hours <n>', 'the same in hours').argParser(lengthIn('hours')))
    .option('--specialties <list>', 'given to the peers in turn, such as backend,testing', specialties)
    .addOption(
      new Option(
        '--engine <name>',
        'core: virtual time; libp2p: up to 20 whole peers over TCP, in real time, with stops and cuts only',
      )
        .default('core')
        .argParser(choice(Engines)),
    )
    .addOption(new Option('--mutant <id>', 'with that deliberate mistake, see `mutants --help`').argParser(mutant))
    .option('--timeline <file>', 'write a picture of the run, to be opened in a browser')
    .option('--json', 'one JSON document instead of the report')
    .action((flags) => simulate(flags, context));
  program
    .command('swarm')
    .description('Many seeds side by side, hostile unless told otherwise; sums up what they met.')
    .option('--seeds <n>', 'how many', wholeNumber(1, 100_000_000), 500)
    .option('--first-seed <n>', 'the first of them', seed, 1)
    .option('--workers <n>', 'threads (as many as the machine has cores)', wholeNumber(1, 1_000))
    .option('--peers <n>', 'peers of each mesh; 0 = by the seed', peerCount, 0)
    .option('--tasks <n>', 'tasks of each run; 0 = by the seed', taskCount, 0)
    .addOption(profile('hostile'))
    .addOption(minutes('30'))
    .option('--json', 'one JSON document instead of the summary')
    .action((flags) => swarm(flags, context));
  program
    .command('scaling')
    .description('Calm meshes of several sizes with the same tasks per peer: what each peer has to carry.')
    .option('--sizes <list>', 'numbers of peers', sizes, [50, 100, 200])
    .option('--tasks-per-peer <n>', 'how many', wholeNumber(1, 1_000), 2)
    .option('--seed <n>', 'of every run', seed, 42)
    .addOption(minutes('10'))
    .option('--json', 'one JSON document instead of the table')
    .action((flags) => scaling(flags, context));
  program
    .command('seeds')
    .description('How many seeds a minute one core runs: 5 peers, 10 tasks, 30 minutes of hostile.')
    .option('--seeds <n>', 'how many to measure', wholeNumber(1, 100_000), 30)
    .option('--json', 'one JSON document instead of a line')
    .action((flags) => seeds(flags, context));
  program
    .command('mutants')
    .description('Deliberate mistakes in the protocol, each of which the oracles must catch.')
    .option('--only <ids>', 'these of them, such as value-dropped,late-grant', mutantList)
    .option('--seeds <n>', 'how many each is tried on, from 1', wholeNumber(1, 100_000), 2_000)
    .option('--workers <n>', 'threads (as many as the machine has cores)', wholeNumber(1, 1_000))
    .addOption(profile('hostile'))
    .option('--json', 'one JSON document instead of the table')
    .addHelpText('after', () => mutantsHelp())
    .action((flags) => huntMutants(flags, context));
  for (const command of [program, ...program.commands]) shape(command, context);
  return program.enablePositionalOptions().addHelpText('after', examples);
}

/** What every command of the program has in common; commander hands it down at creation only. */
function shape(command: Command, context: Context): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: () => {},
      getOutHelpWidth: () => 80,
    });
}

const examples = `
Examples:
  npm run simulate -- --peers 50 --tasks 200 --seed 42 --profile hostile
  npm run simulate -- --peers 5 --specialties backend,frontend --timeline run.html
  npm run simulate:swarm -- --seeds 500 --profile hostile
  npm run simulate:mutants
  npm run simulate:scaling
  npm run simulate:seeds

Exit codes: 0 fine, 1 a promise was broken, 2 usage, 4 tasks that never ended.`;

const mutantsHelp = (): string => `
Examples:
  npm run simulate:mutants
  npm run simulate:mutants -- --only acks-by-message,value-dropped --seeds 100
  npm run simulate -- --seed 1 --profile hostile --peers 0 --tasks 0 --mutant value-dropped

Mutants:
${mutants.map(({ id, mistake }) => `  ${id.padEnd(22)}${mistake}`).join('\n')}

Exit codes: 0 all caught, 1 one was not, 2 usage.`;
