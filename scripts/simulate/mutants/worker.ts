/** One thread of mutated code: runs what it is sent, and says what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { mutate } from './apply.ts';
import { answerRuns } from './thread.ts';

const missing = mutate(workerData.edits);
const { run } = await import('../../../test/sim/run.ts');
if (missing().length > 0) throw new Error(`${missing().join(', ')}: no part of the simulation`);
answerRuns(parentPort, run);
