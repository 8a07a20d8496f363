import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { CliError, ExitCodes } from '../errors.ts';
import { taskPrefix } from '../values.ts';

export function addCancel(program: Command, context: Context): void {
  program
    .command('cancel')
    .description('end a task; refused once its result is being published')
    .argument('<id>', 'a task id, or the first digits of one', taskPrefix)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  peer cancel 3f9a')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const reply = await clientOf(context).cancel(id);
      const short = reply.task.slice(0, 8);
      if (json === true) context.out(JSON.stringify({ id: reply.task, result: reply.type }));
      switch (reply.type) {
        case 'cancelled':
          if (json !== true) context.out(`cancelled ${short}`);
          return;
        case 'cancel-pending':
          throw new CliError(
            ExitCodes.failed,
            `pending: no majority of the electors of ${short} has answered; try again once they are back`,
          );
        case 'publishing':
          throw new CliError(ExitCodes.failed, `too late: the result of ${short} is being published`);
        case 'ended':
        case 'unknown-task':
          throw new CliError(ExitCodes.failed, `${short} has ended already: see \`peer task ${short}\``);
      }
    });
}
