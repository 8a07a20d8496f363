/**
 * The simulator: many peers in one process and in virtual time, from one seed. `--help` says what it can do.
 * This file is the process around it: the terminal, Ctrl-C and the exit code.
 */
import { run } from '../test/sim/run.ts';
import { runProgram } from './simulate/program.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', () => process.exit());

/** Ctrl-C, and what a script that has lost patience sends. */
const signals = ['SIGINT', 'SIGTERM'] as const;

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  screen: process.stderr,
  run,
  runLive: async (options) => (await import('./simulate/live/run.ts')).runLive(options),
  worker: new URL('simulate/swarm-worker.ts', import.meta.url),
  mutantWorker: new URL('simulate/mutants/worker.ts', import.meta.url),
  onInterrupt: (stop) => {
    for (const signal of signals) process.once(signal, stop);
    return () => signals.forEach((signal) => void process.off(signal, stop));
  },
});
