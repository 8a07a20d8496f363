import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ControlClient } from '../../peer/control/client.ts';
import type { LogPiece } from '../../protocol/agent.ts';
import { type Context, clientOf } from '../context.ts';
import { isEnded } from '../describe.ts';
import { CliError, ExitCodes } from '../errors.ts';
import { printable } from '../output.ts';
import { attemptNumber, taskPrefix } from '../values.ts';

const pollMs = 500;

interface Flags {
  readonly attempt?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function addLogs(program: Command, context: Context): void {
  program
    .command('logs')
    .description("an attempt's output, from whichever PC has it")
    .argument('<id>', 'a task id, or the first digits of one', taskPrefix)
    .option('--attempt <n>', 'which attempt; the latest by default', attemptNumber)
    .option('--follow', 'go on until the attempt, or the task, has ended')
    .option('--json', 'one JSON line for each piece')
    .addHelpText('after', '\nExamples:\n  peer logs 3f9a --follow\n  peer logs 3f9a --attempt 1')
    .action(async (id: string, flags: Flags) => {
      const client = clientOf(context);
      await showLogs(context, client, id, flags);
    });
}

/** @throws CliError where something of it cannot be had; what can be is shown before. */
export async function showLogs(context: Context, client: ControlClient, id: string, flags: Flags): Promise<void> {
  const lines = new Lines(context);
  try {
    for await (const piece of pieces(client, id, flags, (note) => context.err(note))) {
      if (flags.json === true) context.out(JSON.stringify({ attempt: piece.attempt, text: piece.text }));
      else lines.add(piece.text);
    }
  } finally {
    lines.end();
  }
}

/** What there is, and with `follow` what comes, of one attempt after the other. */
async function* pieces(
  client: ControlClient,
  id: string,
  flags: Flags,
  note: (text: string) => void,
): AsyncGenerator<LogPiece> {
  const isFollowed = flags.follow === true;
  let attempt = flags.attempt ?? null;
  let offset = 0;
  for (;;) {
    const piece = await client.log(id, attempt, offset);
    if ('unavailable' in piece) {
      const task = await client.task(id);
      if (!isFollowed || flags.attempt !== undefined || isEnded(task)) throw noLog(piece.unavailable, id);
      // Its worker is gone, and took the log along: what comes next is elsewhere.
      if (attempt !== null && task.attempt > attempt) {
        note(`the rest of attempt ${attempt} is missing: ${piece.unavailable}`);
        [attempt, offset] = [attempt + 1, 0];
      }
    } else {
      if (piece.text !== '') yield piece;
      [attempt, offset] = [piece.attempt, piece.nextOffset];
      const next = piece.end ? await attemptAfter(client, id, piece, flags) : null;
      if (next === 'none' || (piece.text === '' && !isFollowed)) return;
      if (next !== null) [attempt, offset] = [next, 0];
      if (piece.text !== '' && next === null) continue;
    }
    await delay(pollMs);
  }
}

/** Null: it may come yet. */
async function attemptAfter(client: ControlClient, id: string, { attempt }: LogPiece, flags: Flags) {
  if (flags.follow !== true || flags.attempt !== undefined) return 'none';
  const task = await client.task(id);
  if (task.attempt > attempt) return attempt + 1;
  return isEnded(task) ? 'none' : null;
}

const noLog = (reason: string, id: string): CliError =>
  new CliError(ExitCodes.failed, `${reason}: \`peer task ${id}\` says which attempts there were, and where`);

/** Whole lines out of pieces that end anywhere. */
class Lines {
  readonly #context: Context;
  #rest = '';

  constructor(context: Context) {
    this.#context = context;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#context.out(printable(line));
  }

  end(): void {
    if (this.#rest !== '') this.#context.out(printable(this.#rest));
  }
}
