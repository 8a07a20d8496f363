import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CheckpointFolder } from '../../src/peer/checkpoints/folder.ts';
import { createVerify, temporaryIdentity } from '../../src/peer/home/identity.ts';
import type { PeerService } from '../../src/peer/service.ts';
import { type PeerOptions, startPeer } from '../../src/peer/start.ts';
import type { HostId, TaskId } from '../../src/protocol/ids.ts';
import { promptKey } from '../../src/protocol/record.ts';
import { MemoryHub } from '../support/memory-network.ts';
import { MemoryDisk, MemoryStore } from '../support/memory-store.ts';
import { waitFor } from '../support/wait.ts';
import { draft } from './control/fake-service.ts';

interface Line {
  readonly level: string;
  readonly event: string;
  readonly task: unknown;
}

/** Fails whatever it is given, for good. */
const agents: ReturnType<PeerOptions['agents']> = {
  start: (_job, report) =>
    void setImmediate(() => report({ type: 'failed', reason: 'no way', final: true, costUsd: null })),
  publish: () => {},
  stop: () => {},
  ended: () => {},
  aptitude: () => ({ noAccess: null, warm: false }),
  readLog: async () => ({ unavailable: 'there is none' }),
  close: async () => {},
};

let folder = '';
const services: PeerService[] = [];
const hub = new MemoryHub();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'news-'));
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  rmSync(folder, { recursive: true });
});

async function start(name: string, identity: Awaited<ReturnType<typeof temporaryIdentity>>, disk: MemoryDisk) {
  const lines: Line[] = [];
  const service = await startPeer({
    identity: { ...identity, verify: createVerify() },
    mesh: { name: 'home' },
    role: 'peer',
    name,
    specialties: ['general'],
    capacity: 1,
    version: '0.0.0',
    host: 'here' as HostId,
    executor: { name: 'script' },
    network: hub.network(identity.peer),
    store: new MemoryStore(disk),
    agents: () => agents,
    checkpoints: new CheckpointFolder(join(folder, name)),
    log: (level, event, { task }) => void lines.push({ level, event, task }),
    onFatal: (error) => {
      throw error;
    },
  });
  services.push(service);
  return { service, lines };
}

/** Submits a task and waits until the peers that look on know of its end. */
async function failed(by: PeerService, key: string, onlookers: readonly PeerService[]): Promise<TaskId> {
  const reply = await by.command({ type: 'submit', draft: { ...draft, key: promptKey(key) }, again: false });
  if (reply.type !== 'submitted') throw new Error(`not submitted: ${JSON.stringify(reply)}`);
  for (const one of onlookers) await isKnown(one, reply.task);
  return reply.task;
}

const isKnown = (service: PeerService, task: TaskId) =>
  waitFor('its end is known', () => service.task(task)?.state.phase.name === 'failed', 10_000);

const stories = (lines: readonly Line[], about: TaskId): ReadonlySet<string> =>
  new Set(lines.filter(({ event, task }) => event === 'story' && task === about).map(({ level }) => level));

it('what happened before a peer started is no news to it, whether it joins or comes back', async () => {
  const [one, other, disk] = [await temporaryIdentity(), await temporaryIdentity(), new MemoryDisk()];
  const alpha = await start('alpha', one, new MemoryDisk());
  const old = await failed(alpha.service, 'old', [alpha.service]);
  expect(stories(alpha.lines, old)).toEqual(new Set(['info']));

  const beta = await start('beta', other, disk);
  await isKnown(beta.service, old);
  const seen = await failed(alpha.service, 'seen', [alpha.service, beta.service]);
  expect([stories(beta.lines, old), stories(beta.lines, seen)]).toEqual([new Set(['debug']), new Set(['info'])]);

  await beta.service.stop();
  const missed = await failed(alpha.service, 'missed', [alpha.service]);
  const again = await start('beta', other, disk);
  await isKnown(again.service, missed);
  const fresh = await failed(alpha.service, 'fresh', [alpha.service, again.service]);
  expect([old, seen, missed].filter((task) => stories(again.lines, task).has('info'))).toEqual([]);
  expect(stories(again.lines, fresh)).toEqual(new Set(['info']));
}, 30_000);
