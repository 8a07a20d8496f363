import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { CliError, ExitCodes } from '../errors.ts';

/** A peer ends within 10 s of being told to. */
const patienceMs = 12_000;
/** Between its socket and its process. */
const exitMs = 1_000;
const lookEveryMs = 50;

export function addStop(program: Command, context: Context): void {
  program
    .command('stop')
    .description('hand over what runs here, then end the peer')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  peer stop')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const client = clientOf(context);
      const { pid } = await client.stop();
      if (!(await becomes(async () => !(await client.isThere()), patienceMs))) {
        const message = `the peer (process ${pid}) has not ended in ${patienceMs / 1_000} s: kill it if it must go`;
        throw new CliError(ExitCodes.failed, message);
      }
      // Not for ever: a process that nobody waits for stays in the list of processes.
      await becomes(async () => !isAlive(pid), exitMs);
      context.out(json === true ? JSON.stringify({ stopped: true, pid }) : 'stopped');
    });
}

async function becomes(condition: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await delay(lookEveryMs);
  }
  return true;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
