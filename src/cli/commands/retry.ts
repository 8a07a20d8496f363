import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { follow } from '../follow.ts';
import { printSubmitted } from '../submitted.ts';
import { taskPrefix } from '../values.ts';

interface Flags {
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function addRetry(program: Command, context: Context): void {
  program
    .command('retry')
    .description('another round of a task that has ended, on a branch of its own')
    .argument('<id>', 'a task id, or the first digits of one', taskPrefix)
    .option('--follow', 'show its life and end with it: exit 0 done, 1 failed, 3 cancelled')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  peer retry 3f9a --follow')
    .action(async (id: string, flags: Flags) => {
      const client = clientOf(context);
      const task = printSubmitted(context, await client.retry(id), flags);
      if (task !== null) await follow(context, client, task.id, flags.json === true);
    });
}
