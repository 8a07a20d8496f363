/**
 * One peer of the benchmark, in a process of its own: the real core, driver, network and store, with an agent that does
 * nothing at all, so that what is measured is the mesh. Driven over IPC by bench/fleet.ts.
 */

import { CheckpointFolder } from '../../src/peer/checkpoints/folder.ts';
import { createVerify, temporaryIdentity } from '../../src/peer/home/identity.ts';
import { createLibp2pNetwork } from '../../src/peer/network/libp2p.ts';
import { startPeer } from '../../src/peer/start.ts';
import { createLevelStore } from '../../src/peer/store/level-store.ts';
import type { AgentReport, AgentRunner, Job } from '../../src/protocol/agent.ts';
import type { CommitId, HostId, RunId } from '../../src/protocol/ids.ts';
import { promptKey } from '../../src/protocol/record.ts';
import { draftOf } from '../../test/sim/script.ts';

export interface BenchPeerOptions {
  readonly name: string;
  readonly folder: string;
  readonly meshKeyHex: string;
  readonly capacity: number;
  /** How long an agent works; null = until it is stopped. */
  readonly workMs: number | null;
}

export type ToBenchPeer =
  | { readonly type: 'submit'; readonly key: string }
  | { readonly type: 'usage' }
  | { readonly type: 'stop' };

/** Times are nanoseconds of the machine's monotonic clock, the same for every process on it. */
export type FromBenchPeer =
  | { readonly type: 'ready'; readonly peer: string }
  | { readonly type: 'peers'; readonly count: number }
  | {
      readonly type: 'submitted';
      readonly key: string;
      readonly task: string;
      readonly askedNs: number;
      readonly answeredNs: number;
    }
  | { readonly type: 'started'; readonly task: string; readonly attempt: number; readonly atNs: number }
  | { readonly type: 'done'; readonly task: string; readonly atNs: number }
  | {
      readonly type: 'usage';
      readonly cpuMs: number;
      readonly rssMb: number;
      readonly bytes: number;
      readonly atNs: number;
    };

const options = JSON.parse(process.argv[2] ?? '') as BenchPeerOptions;
const nowNs = (): number => Number(process.hrtime.bigint());
const tell = (message: FromBenchPeer): void => void process.send?.(message);

class NoopRunner implements AgentRunner {
  readonly #reports = new Map<RunId, (report: AgentReport) => void>();

  start(job: Job, report: (report: AgentReport) => void): void {
    this.#reports.set(job.run, report);
    tell({ type: 'started', task: job.task.id, attempt: job.attempt, atNs: nowNs() });
    if (options.workMs === null) return;
    const commit = job.task.id.slice(0, 40) as CommitId;
    setTimeout(() => report({ type: 'ready', step: 'push', commit, expectedTip: null }), options.workMs);
  }

  publish(run: RunId): void {
    this.#end(run, { type: 'published', result: { branch: 'none', commit: null, pullRequest: null }, costUsd: null });
  }

  stop(run: RunId): void {
    this.#end(run, { type: 'stopped' });
  }

  ended(): void {}

  aptitude() {
    return { noAccess: null, warm: false };
  }

  readLog() {
    return Promise.resolve({ unavailable: 'no logs' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #end(run: RunId, report: AgentReport): void {
    const tellCore = this.#reports.get(run);
    this.#reports.delete(run);
    if (tellCore !== undefined) setImmediate(() => tellCore(report));
  }
}

const identity = await temporaryIdentity();
const service = await startPeer({
  identity: { ...identity, verify: createVerify() },
  mesh: { name: 'bench' },
  role: 'peer',
  name: options.name,
  specialties: ['general'],
  capacity: options.capacity,
  version: '0.0.0',
  host: 'bench' as HostId,
  executor: { name: 'noop' },
  network: createLibp2pNetwork({
    privateKey: identity.privateKey,
    meshKey: Buffer.from(options.meshKeyHex, 'hex'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: true,
    log: () => {},
  }),
  store: createLevelStore(options.folder),
  agents: () => new NoopRunner(),
  checkpoints: new CheckpointFolder(options.folder),
  log: () => {},
  onFatal: (error) => {
    console.error(error);
    process.exit(1);
  },
});

const ended = new Set<string>();
service.subscribe((event) => {
  if (event.type === 'peer-up' || event.type === 'peer-down') tell({ type: 'peers', count: service.peers().length });
  if (event.type !== 'task' || ended.has(event.task)) return;
  const view = service.task(event.task);
  if (view?.state.phase.name !== 'done') return;
  ended.add(event.task);
  tell({ type: 'done', task: event.task, atNs: nowNs() });
});

process.on('message', (message: ToBenchPeer) => {
  void handle(message);
});
process.on('disconnect', () => process.exit(0));
tell({ type: 'ready', peer: identity.peer });

async function handle(message: ToBenchPeer): Promise<void> {
  switch (message.type) {
    case 'submit': {
      const askedNs = nowNs();
      const reply = await service.command({
        type: 'submit',
        draft: draftOf({ key: promptKey(message.key) }),
        again: false,
      });
      const task = 'task' in reply ? reply.task : '';
      if (reply.type !== 'submitted') console.error('not submitted', reply);
      return tell({ type: 'submitted', key: message.key, task, askedNs, answeredNs: nowNs() });
    }
    case 'usage': {
      const { user, system } = process.cpuUsage();
      const { sentBytes, receivedBytes } = service.traffic();
      const rssMb = process.memoryUsage().rss / 2 ** 20;
      return tell({
        type: 'usage',
        cpuMs: (user + system) / 1_000,
        rssMb,
        bytes: sentBytes + receivedBytes,
        atNs: nowNs(),
      });
    }
    case 'stop':
      await service.stop();
      process.exit(0);
  }
}
