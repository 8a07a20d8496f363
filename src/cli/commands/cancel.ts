import type { Command } from 'commander';
import type { ControlClient } from '../../peer/control/client.ts';
import { type Context, clientOf } from '../context.ts';
import { isEnded } from '../describe.ts';
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
      const client = clientOf(context);
      const reply = await client.cancel(id);
      const short = reply.task.slice(0, 8);
      if (json === true) context.out(JSON.stringify({ id: reply.task, result: reply.type }));
      switch (reply.type) {
        case 'cancelled':
          if (json !== true) context.out(`cancelled ${short}`);
          return;
        case 'cancel-pending':
          throw new CliError(
            ExitCodes.failed,
            `noted: ${short} is cancelled as soon as a majority of its electors is back, as long as this peer runs; ` +
              `gone for good: \`peer adopt ${short}\`, which takes the cancel back, then \`peer cancel ${short}\``,
          );
        case 'publishing':
          throw new CliError(ExitCodes.failed, `too late: the result of ${short} is being published`);
        case 'ended':
        case 'unknown-task':
          throw await hasEnded(client, reply.task);
      }
    });
}

/** Who cancels what was retried most likely means the round that runs. */
async function hasEnded(client: ControlClient, id: string): Promise<CliError> {
  const short = id.slice(0, 8);
  const { retriedAs } = await client.task(id);
  const next = retriedAs === null ? null : await client.task(retriedAs);
  const mend =
    next === null || isEnded(next)
      ? `see \`peer task ${short}\``
      : `it was retried as ${next.id.slice(0, 8)}, which \`peer cancel ${next.id.slice(0, 8)}\` ends`;
  return new CliError(ExitCodes.failed, `${short} has ended already: ${mend}`);
}
