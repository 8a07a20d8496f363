import type { Submitted } from '../peer/control/client.ts';
import type { TaskJson } from '../peer/control/json.ts';
import type { Context } from './context.ts';
import { describeResult, exitCodeOf } from './describe.ts';
import { CliError, ExitCodes } from './errors.ts';

/** Says what became of a submission. Gives the task where there is one to follow; null where all has been said. */
export function printSubmitted(
  context: Context,
  reply: Submitted,
  { follow, json }: { readonly follow?: boolean; readonly json?: boolean },
): TaskJson | null {
  const { view: task } = reply;
  if (reply.type === 'refused') throw new CliError(ExitCodes.failed, `not submitted, ${reply.reason}: try again`);
  if (task === undefined)
    throw new CliError(ExitCodes.failed, `task ${reply.task} is not known here yet: see \`peer task\``);
  const isAsked = follow === true;
  if (json === true) context.out(submissionJson(task, reply));
  switch (reply.type) {
    case 'submitted':
      // The id alone on stdout, for scripts; the rest is for people.
      if (json !== true) context.out(isAsked ? `submitted ${task.id}` : task.id);
      if (json !== true && !isAsked)
        context.err(`submitted: ${task.key}; \`peer task ${task.id.slice(0, 8)}\` tells how it is`);
      return isAsked ? task : null;
    case 'existing':
      if (!reply.ended) {
        if (json !== true) context.out(isAsked ? `already submitted ${task.id}` : task.id);
        if (json !== true && !isAsked) context.err(`already submitted: ${task.key}, now ${task.state}`);
        return isAsked ? task : null;
      }
      if (json !== true) {
        const how = task.reason ?? describeResult(task);
        context.out(`${task.id.slice(0, 8)} has ended, ${task.state}: ${how}`);
        context.err('for another round: --again');
      } else if (isAsked) {
        context.out(JSON.stringify(task));
      }
      context.exit(exitCodeOf(task));
      return null;
    case 'pending':
      if (json !== true) context.out(`pending ${task.id}, ${reply.stored} of ${reply.electors} electors`);
      context.exit(ExitCodes.failed);
      return null;
  }
}

function submissionJson({ id, key, state, electors }: TaskJson, reply: Submitted): string {
  const pending = reply.type === 'pending' ? { pending: { stored: reply.stored, electors: reply.electors } } : {};
  return JSON.stringify({ id, key, state, electors: electors.map(({ peer }) => peer), reply: reply.type, ...pending });
}
