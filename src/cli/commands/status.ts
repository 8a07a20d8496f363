import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { describeStatus } from '../describe.ts';

export function addStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('who is in the mesh, and what it does')
    .option('--json', 'one snapshot as JSON')
    .addHelpText('after', '\nExamples:\n  peer status\n  peer status --json | jq .peers')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await clientOf(context).status();
      context.out(json === true ? JSON.stringify(status) : describeStatus(status, Date.now()));
    });
}
