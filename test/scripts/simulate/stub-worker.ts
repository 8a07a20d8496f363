/** A thread of a swarm whose seeds end as their last digit says. */
import { parentPort, workerData } from 'node:worker_threads';
import { answerSeeds } from '../../../scripts/simulate/swarm-thread.ts';
import type { RunOptions } from '../../sim/result.ts';
import { none, resultOf, unsafe } from './sample.ts';

answerSeeds(parentPort, workerData, ({ seed, profile, peers }: RunOptions) => {
  if (seed % 10 === 3) throw new Error('a bug of the simulator');
  if (seed % 10 === 5) process.exit(9);
  // `--peers 9` is a mesh whose runs never end.
  while (peers === 9) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  const violations = seed % 10 === 7 ? [unsafe] : [];
  const lastEvents = violations.map(() => '61234.0  bob opens #2');
  return resultOf({ seed, profile, violations, lastEvents, occurred: { ...none, 'fork-met': 1 } });
});
