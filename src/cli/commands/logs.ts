import type { Command } from 'commander';
import type { ControlClient } from '../../peer/control/client.ts';
import type { LogPiece } from '../../protocol/agent.ts';
import { type Context, clientOf } from '../context.ts';
import { LogStream } from '../log-stream.ts';
import { printable } from '../output.ts';
import { attemptNumber, taskPrefix } from '../values.ts';

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
    .option('--follow', 'go on, also with the attempts that follow, until the task has ended')
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
  const asked = { id, attempt: flags.attempt ?? null, follow: flags.follow === true };
  const stream = new LogStream(client, asked, (note) => context.err(printable(note)));
  try {
    for await (const piece of stream.pieces()) {
      if (flags.json === true) context.out(JSON.stringify({ attempt: piece.attempt, text: piece.text }));
      else lines.add(piece);
    }
  } finally {
    lines.end();
  }
}

/** Whole lines out of pieces that end anywhere. */
class Lines {
  readonly #context: Context;
  #rest = '';
  #attempt = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  add({ attempt, text }: LogPiece): void {
    if (attempt !== this.#attempt) this.end();
    this.#attempt = attempt;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#context.out(printable(line));
  }

  end(): void {
    if (this.#rest !== '') this.#context.out(printable(this.#rest));
    this.#rest = '';
  }
}
