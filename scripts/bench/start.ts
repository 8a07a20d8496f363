import { Mesh } from '../../test/support/mesh.ts';
import type { Figure } from './figures.ts';

/** From the start of the process to its `ready` line, on a folder that exists already. */
export async function startTime(runs: number): Promise<readonly Figure[]> {
  await using mesh = await Mesh.start([{ name: 'solo', args: ['--no-mdns'] }]);
  const [peer] = mesh.peers;
  const times: number[] = [];
  for (let run = 0; run < runs && peer !== undefined; run += 1) {
    await peer.end('SIGTERM');
    const begun = performance.now();
    await peer.start();
    times.push(performance.now() - begun);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  return [{ name: 'start → ready, p50', value: Math.round(median), unit: 'ms', aim: null }];
}
