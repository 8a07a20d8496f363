import type { Command } from 'commander';
import type { TaskJson } from '../../peer/control/json.ts';
import { type Context, clientOf } from '../context.ts';
import { hasLostMajority, isEnded } from '../describe.ts';
import { CliError, ExitCodes, usageError } from '../errors.ts';
import { printable } from '../output.ts';
import { taskPrefix } from '../values.ts';

interface Flags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function addAdopt(program: Command, context: Context): void {
  program
    .command('adopt')
    .description('give up electors that are gone for good, so that a task goes on')
    .argument('<id>', 'a task id, or the first digits of one', taskPrefix)
    .option('--yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  peer adopt 3f9a\n  peer adopt 3f9a --yes')
    .action(async (id: string, flags: Flags) => {
      const client = clientOf(context);
      const task = await client.task(id);
      const short = task.id.slice(0, 8);
      if (isEnded(task)) throw hasEnded(short);
      const question = warning(task);
      if (question === null) throw hasQuorum(short);
      if (flags.yes !== true) await confirm(context, question);
      const reply = await client.adopt(task.id);
      switch (reply.type) {
        case 'adopted':
          return context.out(
            flags.json === true
              ? JSON.stringify({ id: task.id, result: 'adopted', givenUp: reply.givenUp })
              : `adopted ${short}${task.cancelPending ? ', its cancel is taken back' : ''}: see \`peer task ${short}\``,
          );
        case 'refused':
          throw new CliError(ExitCodes.failed, `${short} was not adopted: ${reply.reason}`);
        case 'has-quorum':
          throw hasQuorum(short);
        case 'ended':
        case 'unknown-task':
          throw hasEnded(short);
      }
    });
}

/** What a person takes on; null where there is nothing to be adopted. */
function warning(task: TaskJson): string | null {
  if (!hasLostMajority(task)) return null;
  const { electors, cancelPending } = task;
  const gone = electors.filter(({ reachable }) => !reachable);
  const names = gone.map(({ name }) => printable(name)).join(', ');
  return (
    `${gone.length} of its ${electors.length} electors are given up: ${names}.\n` +
    'Should they still run, both sides may work on it until they meet; there will be one pull request all the same.' +
    (cancelPending ? '\nThe cancel of it that waits here is taken back.' : '')
  );
}

async function confirm(context: Context, question: string): Promise<void> {
  if (context.ask === null) throw usageError(`${question.replaceAll('\n', ' ')} Say --yes to go on`);
  context.err(question);
  const answer = await context.ask('Go on? [y/N] ');
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(ExitCodes.failed, 'nothing was changed');
}

const hasEnded = (short: string): CliError =>
  new CliError(ExitCodes.failed, `${short} has ended already: see \`peer task ${short}\``);
const hasQuorum = (short: string): CliError =>
  new CliError(
    ExitCodes.failed,
    `${short} needs no adoption: most of its electors are there, and it goes on by itself`,
  );
