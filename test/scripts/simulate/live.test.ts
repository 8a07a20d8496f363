import { expect, it } from 'vitest';
import { Cables } from '../../../scripts/simulate/live/cables.ts';
import { runLive } from '../../../scripts/simulate/live/run.ts';
import type { Network, NetworkHandler } from '../../../src/peer/network/network.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';
import { MemoryHub } from '../../support/memory-network.ts';
import { waitFor } from '../../support/wait.ts';
import { optionsOf } from './sample.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield bytes('work');
}

function listener(self: string) {
  const heard: string[] = [];
  const handler: NetworkHandler = {
    hello: () => bytes(self),
    acceptHello: () => null,
    onUp: (peer) => void heard.push(`up ${peer}`),
    onDown: (peer) => void heard.push(`down ${peer}`),
    onFrame: (from, frame) => void heard.push(`${from}: ${new TextDecoder().decode(frame)}`),
    onPut: async (from, name) => void heard.push(`${from} puts ${name}`),
    onGet: async () => null,
    onGossip: (from, _, data) => void heard.push(`${from} gossips: ${new TextDecoder().decode(data)}`),
  };
  return { heard, handler };
}

it('cuts real networks loudly, lets nothing through, and joins them again', async () => {
  const [cables, hub] = [new Cables(), new MemoryHub()];
  const ids = ['a', 'b', 'c'] as unknown as readonly [PeerId, PeerId, PeerId];
  const [, b] = ids;
  const [one, other, third] = ids.map((id) => cables.through(hub.network(id))) as [Network, Network, Network];
  const [atA, atB, atC] = [listener('a'), listener('b'), listener('c')];
  await third.start(atC.handler);
  await one.start(atA.handler);
  await other.start(atB.handler);
  await waitFor('all to meet', () => [atA, atB, atC].every(({ heard }) => heard.length === 2));

  cables.cut([b]);
  expect([atA.heard.at(-1), atB.heard.slice(2).toSorted(), atC.heard.at(-1)]).toEqual([
    'down b',
    ['down a', 'down c'],
    'down b',
  ]);
  one.send(b, bytes('lost'));
  await expect(one.put(b, 'copy', chunks())).rejects.toThrow('not connected');
  one.broadcast('tasks', bytes('for this side'));
  await waitFor('the gossip on this side', () => atC.heard.includes('a gossips: for this side'));

  cables.heal();
  one.send(b, bytes('hello again'));
  await one.put(b, 'copy', chunks());
  await waitFor('the frame', () => atB.heard.includes('a: hello again'));
  expect(atB.heard.slice(4).toSorted()).toEqual(['a puts copy', 'a: hello again', 'up a', 'up c']);
  await Promise.all([one, other, third].map((network) => network.stop()));
});

it('runs whole peers over libp2p and reports as of any run', async () => {
  const result = await runLive(optionsOf({ profile: 'calm', peers: 3, tasks: 3, durationMs: 2_000 }));
  expect(result.violations).toEqual([]);
  expect(result.tasks.map(({ title, state }) => [title, state])).toEqual([
    ['Task 1', 'done'],
    ['Task 2', 'done'],
    ['Task 3', 'done'],
  ]);
  for (const { attempts, leaders } of result.tasks) {
    expect(attempts.map(({ number, how }) => [number, how])).toEqual([[1, 'done']]);
    expect(leaders.length).toBeGreaterThan(0);
  }
  expect(result.traffic?.bytes).toBeGreaterThan(0);
});
