import { Mesh } from '../../test/support/mesh.ts';
import { waitFor } from '../../test/support/wait.ts';
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

/** From the last peer's `ready` until each of five new peers has met all others, without an address given. */
export async function connectTime(runs: number): Promise<readonly Figure[]> {
  const names = ['one', 'two', 'three', 'four', 'five'];
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await using mesh = Mesh.empty();
    for (const name of names) mesh.add({ name });
    await Promise.all(mesh.peers.map((peer) => peer.start()));
    const ready = performance.now();
    const met = (peer: (typeof mesh.peers)[number]): number =>
      new Set(peer.events().flatMap(({ event, peer: other }) => (event === 'peer-up' ? [other] : []))).size;
    await waitFor('all have met', () => mesh.peers.every((peer) => met(peer) === names.length - 1));
    times.push(performance.now() - ready);
  }
  const value = Math.round(Math.max(...times));
  return [{ name: `last ready → all five connected, worst of ${runs}`, value, unit: 'ms', aim: 3_000 }];
}
