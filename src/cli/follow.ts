import { setTimeout as delay } from 'node:timers/promises';
import { type ControlClient, ControlError } from '../peer/control/client.ts';
import type { TaskJson } from '../peer/control/json.ts';
import type { Context } from './context.ts';
import { bidLines, describeResult, exitCodeOf, isEnded, type Names, namesOf } from './describe.ts';
import { CliError, ExitCodes } from './errors.ts';
import { untilInterrupted } from './interrupt.ts';
import { printable, withLocalTimes } from './output.ts';

/** A peer that is restarted is there again within this time. */
const patienceMs = 5_000;
const retryMs = 200;

interface Printer {
  /** The task as it is now, with whatever has not been shown of it. */
  show(task: TaskJson, nameOf: Names): void;
  end(task: TaskJson): void;
}

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

/** The task now, and after every change, for as long as the peer is there. */
async function* watch(client: ControlClient, id: string): AsyncGenerator<{ task: TaskJson; nameOf: Names }> {
  let nameOf: Names = namesOf({ peers: [], names: {} });
  for await (const event of client.events()) {
    if (event.event === 'task') {
      if (event.data.id === id) yield { task: event.data, nameOf };
    } else if (event.name === 'hello' || event.name === 'peer-up') {
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

/** What of a task's history has not been shown yet; another task begins anew. */
class Unseen {
  #id = '';
  #shown = new Set<string>();

  /** True for a task that is not the one before. */
  turnTo(id: string): boolean {
    if (id === this.#id) return false;
    [this.#id, this.#shown] = [id, new Set()];
    return true;
  }

  of<T>(things: readonly T[]): readonly T[] {
    const unseen = things.filter((one) => !this.#shown.has(JSON.stringify(one)));
    for (const one of unseen) this.#shown.add(JSON.stringify(one));
    return unseen;
  }
}

class JsonPrinter implements Printer {
  readonly #context: Context;
  readonly #unseen = new Unseen();

  constructor(context: Context) {
    this.#context = context;
  }

  show({ id, history, progress }: TaskJson): void {
    this.#unseen.turnTo(id);
    const said = progress === null ? [] : [{ event: 'progress', ...progress }];
    for (const event of this.#unseen.of([...history, ...said])) this.#context.out(JSON.stringify({ id, ...event }));
  }

  end(task: TaskJson): void {
    this.#context.out(JSON.stringify(task));
  }
}

class TextPrinter implements Printer {
  readonly #context: Context;
  readonly #unseen = new Unseen();
  #hasBegun = false;
  #said = '';

  constructor(context: Context) {
    this.#context = context;
  }

  show(task: TaskJson, nameOf: Names): void {
    const isOther = this.#unseen.turnTo(task.id);
    if (isOther && this.#hasBegun) this.#context.out(`the same as task ${task.id.slice(0, 8)}, which goes on`);
    this.#hasBegun = true;
    const news = this.#unseen.of(task.history);
    const lastAssigned = task.history.findLast(({ event }) => event === 'assigned');
    for (const entry of news) {
      // The bids are told one by one; those of earlier rounds are gone.
      const detail = entry.event === 'assigned' ? (entry.detail.split(';')[0] ?? '') : entry.detail;
      this.#line(entry.at, entry.event, detail);
      if (entry === lastAssigned) for (const bid of bidLines(task, nameOf)) this.#line('', '', bid);
    }
    this.#showProgress(task, nameOf);
  }

  end(task: TaskJson): void {
    const how = task.reason === null ? describeResult(task) : printable(task.reason);
    this.#context.out(`${task.state}: ${how}`);
  }

  #showProgress(task: TaskJson, nameOf: Names): void {
    const { progress, worker, stalled } = task;
    const said = stalled ?? (progress === null ? '' : `${nameOf(worker)}: ${progress.text}`);
    if (said === '' || said === this.#said || isEnded(task)) return;
    this.#said = said;
    const isTold = stalled !== null && task.history.at(-1)?.event === 'stalled';
    if (!isTold) this.#line(progress?.at ?? new Date().toISOString(), stalled === null ? 'progress' : 'stalled', said);
  }

  #line(at: string, event: string, text: string): void {
    const time = at === '' ? '' : new Date(at).toTimeString().slice(0, 8);
    this.#context.out(`${time.padEnd(8)}  ${event.padEnd(10)}  ${withLocalTimes(printable(text))}`.trimEnd());
  }
}
