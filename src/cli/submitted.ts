import type { Submitted } from '../peer/control/client.ts';
import type { TaskJson } from '../peer/control/json.ts';
import type { Context } from './context.ts';
import { describeResult, exitCodeOf } from './describe.ts';
import { CliError, ExitCodes } from './errors.ts';
import { clipped, printable } from './output.ts';

const maxTitle = 60;

interface Flags {
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Says what became of a submission. Gives the task that is to be followed; null where all has been said. */
export function printSubmitted(context: Context, reply: Submitted, flags: Flags): TaskJson | null {
  const { view: task } = reply;
  if (reply.type === 'refused') throw new CliError(ExitCodes.failed, `not submitted, ${reply.reason}: try again`);
  if (task === undefined) {
    const message = `task ${reply.task} is not known here yet: \`peer task ${reply.task.slice(0, 8)}\` tells later`;
    throw new CliError(ExitCodes.failed, message);
  }
  if (flags.json === true) context.out(submissionJson(task, reply));
  switch (reply.type) {
    case 'submitted':
      return printOpen(context, task, 'submitted', flags);
    case 'existing':
      return reply.ended ? printEnded(context, task, flags) : printOpen(context, task, 'already submitted', flags);
    case 'pending':
      if (flags.json !== true) context.out(`pending ${task.id}, ${reply.stored} of ${reply.electors} electors`);
      context.exit(ExitCodes.failed);
      return null;
  }
}

function printOpen(context: Context, task: TaskJson, how: string, { follow, json }: Flags): TaskJson | null {
  const short = task.id.slice(0, 8);
  if (json !== true && follow === true) context.out(`${how} ${short}: ${nameOf(task)}`);
  if (json !== true && follow !== true) {
    // The id alone on stdout, for scripts; the rest is for people.
    context.out(task.id);
    context.err(`${how}: ${nameOf(task)}; \`peer task ${short}\` tells how it is`);
  }
  return follow === true ? task : null;
}

/** The key of a prompt says nothing to people. */
const nameOf = ({ key, title }: TaskJson): string =>
  key.startsWith('prompt:') ? clipped(printable(title), maxTitle) : key;

function printEnded(context: Context, task: TaskJson, { follow, json }: Flags): null {
  const how = task.reason ?? describeResult(task);
  if (json !== true) {
    context.out(`${task.id.slice(0, 8)} has ended, ${task.state}: ${how} (for another round: --again)`);
  } else if (follow === true) {
    context.out(JSON.stringify(task));
  }
  context.exit(exitCodeOf(task));
  return null;
}

function submissionJson({ id, key, state, electors }: TaskJson, reply: Submitted): string {
  const pending = reply.type === 'pending' ? { pending: { stored: reply.stored, electors: reply.electors } } : {};
  return JSON.stringify({ id, key, state, electors: electors.map(({ peer }) => peer), reply: reply.type, ...pending });
}
