/** One thread of a swarm: runs each seed that it is sent, and says what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { run } from '../../test/sim/run.ts';
import { answerSeeds } from './swarm-thread.ts';

answerSeeds(parentPort, workerData, run);
