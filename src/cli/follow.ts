import { setTimeout as delay } from 'node:timers/promises';
import { type ControlClient, ControlError } from '../peer/control/client.ts';
import type { TaskJson } from '../peer/control/json.ts';
import type { Context } from './context.ts';
import { exitCodeOf, isEnded, type Names, namesOf } from './describe.ts';
import { CliError, ExitCodes } from './errors.ts';
import { JsonPrinter, type Printer, TextPrinter } from './follow-printers.ts';
import { untilInterrupted } from './interrupt.ts';

/** A peer that is restarted is there again within this time. */
const patienceMs = 5_000;
const retryMs = 200;

/** Shows a task's life line by line and ends with it, in the exit code too. Who follows a duplicate is carried over. */
export async function follow(context: Context, client: ControlClient, id: string, json: boolean): Promise<void> {
  const printer = json ? new JsonPrinter(context) : new TextPrinter(context);
  let followed = id;
  const next = (): Promise<TaskJson> => untilInterrupted(untilEnded(client, followed, printer), () => goesOn(followed));
  let task = await next();
  while (task.duplicateOf !== null) {
    followed = task.duplicateOf;
    task = await next();
  }
  printer.end(task);
  context.exit(exitCodeOf(task));
}

async function untilEnded(client: ControlClient, id: string, printer: Printer): Promise<TaskJson> {
  let lostAt: number | null = null;
  for (;;) {
    let why: CliError = gone(id);
    try {
      for await (const { task, nameOf } of watch(client, id)) {
        lostAt = null;
        printer.show(task, nameOf);
        if (isEnded(task)) return task;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (error.code === 'not-found') why = unheard(id);
    }
    lostAt ??= performance.now();
    if (performance.now() - lostAt > patienceMs) throw why;
    await delay(retryMs);
  }
}

/** What is no change of a task and yet of how it is seen from here: who of its electors can be reached. */
const turns: readonly string[] = ['hello', 'peer-up', 'peer-down'];

/** The task now, and after every change, for as long as the peer is there. */
async function* watch(client: ControlClient, id: string): AsyncGenerator<{ task: TaskJson; nameOf: Names }> {
  let nameOf: Names = namesOf({ peers: [], names: {} });
  for await (const event of client.events()) {
    if (event.event === 'task') {
      if (event.data.id === id) yield { task: event.data, nameOf };
    } else if (turns.includes(event.name)) {
      nameOf = namesOf(await client.status());
      // What happened before the stream was open is in the task itself.
      yield { task: await client.task(id), nameOf };
    }
  }
}

/** The peer restarts, or has not heard yet of the task that this one is a duplicate of. */
const isPassing = (error: unknown): error is ControlError =>
  error instanceof ControlError && ['no-peer', 'broken', 'not-found', 'stopping'].includes(error.code);

function goesOn(id: string): CliError {
  const short = id.slice(0, 8);
  const mend = `\`peer task ${short}\` tells how it is, \`peer cancel ${short}\` ends it`;
  return new CliError(ExitCodes.interrupted, `task ${short} goes on: ${mend}`);
}

const gone = (id: string): CliError =>
  new CliError(
    ExitCodes.noPeer,
    `the peer on this PC has gone; task ${id.slice(0, 8)} goes on without it: \`peer start\`, then \`peer task ${id.slice(0, 8)}\``,
  );

const unheard = (id: string): CliError =>
  new CliError(
    ExitCodes.noPeer,
    `the peer on this PC has not heard of task ${id.slice(0, 8)}: \`peer tasks\` says what it knows`,
  );
