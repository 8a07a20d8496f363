import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { type Check, examine } from '../doctor.ts';
import { ExitCodes } from '../errors.ts';
import { table } from '../output.ts';

export function addDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('check the set-up, with the mend for each thing that is not as it should be')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  peer doctor\n\nExit code 0 when nothing is bad, else 1.')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const checks = await examine(context.env, clientOf(context));
      const isFine = checks.every(({ state }) => state !== 'bad');
      const rows = checks.map(({ state, name, detail }) => [marks[state], name, detail]);
      context.out(json === true ? JSON.stringify({ ok: isFine, checks }) : table(['', 'CHECK', 'FOUND'], rows));
      if (!isFine) context.exit(ExitCodes.failed);
    });
}

const marks: Readonly<Record<Check['state'], string>> = { good: 'ok', warning: '!', bad: 'BAD' };
