import { describe, expect, it } from 'vitest';
import { type AgentSight, LiveAgents } from '../../../scripts/simulate/live/agent.ts';
import { Cables } from '../../../scripts/simulate/live/cables.ts';
import { runLive } from '../../../scripts/simulate/live/run.ts';
import { Values, WatchedStore } from '../../../scripts/simulate/live/watched-store.ts';
import type { Network, NetworkHandler } from '../../../src/peer/network/network.ts';
import type { Job } from '../../../src/protocol/agent.ts';
import { type PeerId, runIdOf, wallMs } from '../../../src/protocol/ids.ts';
import { signTask } from '../../../src/protocol/record.ts';
import { initialState } from '../../../src/protocol/state.ts';
import { VirtualForge } from '../../sim/forge/forge.ts';
import { Wire } from '../../sim/forge/wire.ts';
import { Workers } from '../../sim/forge/workers.ts';
import { Random } from '../../sim/random.ts';
import { draftOf } from '../../sim/script.ts';
import { MemoryHub } from '../../support/memory-network.ts';
import { MemoryDisk, MemoryStore } from '../../support/memory-store.ts';
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
  expect(result.tasks.map(({ title, state }) => [title, state]).toSorted()).toEqual([
    ['Task 1', 'done'],
    ['Task 2', 'done'],
    ['Task 3', 'done'],
  ]);
  for (const { attempts, leaders, submittedMs, endedMs, workMs } of result.tasks) {
    expect(attempts.map(({ number, how }) => [number, how])).toEqual([[1, 'done']]);
    expect(leaders.length).toBeGreaterThan(0);
    expect((endedMs ?? 0) - submittedMs).toBeGreaterThanOrEqual(workMs);
  }
  expect(result.tasks.some(({ pullRequests }) => pullRequests === 1)).toBe(true);
  expect(result.traffic?.bytes).toBeGreaterThan(0);
});

describe('what the oracles see of a live peer', () => {
  it('is on its disk before anybody is told', async () => {
    const log: string[] = [];
    const [disk, synced] = [new MemoryDisk(), Promise.withResolvers<void>()];
    const inner = new MemoryStore(disk, () => synced.promise);
    const store = new WatchedStore(inner, ({ kind }) => void log.push(`${kind} with ${disk.entries.size} on disk`));
    synced.resolve();
    await store.open();
    const name = 'bob';
    await store.write([{ kind: 'peer', peer: 'p' as PeerId, name, addresses: [] }]).then(() => log.push('written'));
    expect(log).toEqual(['peer with 2 on disk', 'written']);
  });

  it('is one value for all who have decoded it', () => {
    const values = new Values();
    const value = values.same(initialState);
    expect(values.same({ ...initialState })).toBe(value);
    expect(values.same({ ...initialState, lapses: 1 })).not.toBe(value);
  });

  it('are its agents, from the first breath to the last', async () => {
    const seen: string[] = [];
    const see = (sight: AgentSight): void => void seen.push(sight.type === 'agent-ended' ? sight.how : sight.type);
    const reports: string[] = [];
    const workers = new Workers(
      new VirtualForge(() => 0, { see: () => {} }),
      new Wire({ after: (_, run) => void setTimeout(run) }, new Random(1), { slowPushes: 0, losses: 0 }),
      new Random(1),
      { workMs: [1, 2], failures: 0, refusals: 0, quotas: 0, checkpoints: 1, usdPerMinute: [0, 0] },
    );
    const agents = new LiveAgents('alpha', workers, { nowMs: () => 0, see });
    const jobOf = (attempt: number): Job => {
      const task = signTask(recordOf(), () => new Uint8Array(64));
      const run = runIdOf(task.id, attempt);
      return {
        run,
        task,
        attempt,
        publication: null,
        checkpoint: null,
        holders: [],
        spendableUsd: null,
        earlierCostUsd: 0,
      };
    };
    const job = jobOf(1);
    agents.start(job, (report) => {
      reports.push(report.type);
      if (report.type === 'ready') agents.publish(job.run, report.step, 27_000);
    });
    await waitFor('the end', () => seen.includes('published'));
    expect(seen).toEqual(['agent-started', 'wants-grant', 'granted', 'published']);
    expect(reports).toEqual(['ready', 'published']);
    agents.start(jobOf(2), () => {});
    await agents.close();
    expect(seen.slice(4)).toEqual(['agent-started', 'killed']);
  });
});

const recordOf = () => ({
  ...draftOf(),
  format: 1 as const,
  round: 1,
  submitter: 'p' as PeerId,
  createdAt: wallMs(1),
  nonce: '0123456789abcdef',
  electorate: ['p' as PeerId],
});
