import type { AgentRunner, Fate } from '../protocol/agent.ts';
import type { HostId, PeerId, TaskId } from '../protocol/ids.ts';
import { openTask, type Sign, type SignedRecord, type Task, type Verify } from '../protocol/record.ts';
import { defaultTiming, type Timing } from '../protocol/timing.ts';
import { Copies } from './checkpoints/copies.ts';
import type { CheckpointFolder } from './checkpoints/folder.ts';
import { Core } from './core/core.ts';
import type { CoreConfig } from './core/io.ts';
import { Driver, type Log, readClocks } from './driver.ts';
import type { ReadLog } from './log-queries.ts';
import type { Network } from './network/network.ts';
import type { PeerService } from './service.ts';
import { type Store, StoreError } from './store/store.ts';

export interface PeerOptions {
  readonly identity: { readonly peer: PeerId; readonly sign: Sign; readonly verify: Verify };
  readonly mesh: { readonly name: string };
  readonly role: CoreConfig['role'];
  readonly name: string;
  readonly specialties: readonly string[];
  readonly capacity: number;
  /** None by default. */
  readonly budgets?: CoreConfig['budgets'];
  readonly version: string;
  readonly host: HostId;
  readonly executor: CoreConfig['executor'];
  readonly sandbox?: CoreConfig['sandbox'];
  readonly network: Network;
  readonly store: Store;
  /** Made once the store is locked: it ends what an earlier process of this home has left running. */
  readonly agents: (
    files: Pick<Copies, 'keep' | 'fetch'>,
    fateOf: (task: TaskId) => Fate,
  ) => AgentRunner & { readonly readLog: ReadLog; close(): Promise<void> };
  readonly checkpoints: CheckpointFolder;
  readonly log: Log;
  readonly timing?: Partial<Timing>;
  /** The disk refused a write, or a bug was met: the process must end, and its electors' promises with it. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Opens the store, starts the network and brings the core to life.
 * @throws StoreError, NetworkError; whatever had been opened is closed again.
 */
export async function startPeer(options: PeerOptions): Promise<PeerService> {
  const { identity, network, store, mesh, name, log, onFatal } = options;
  const { stored, incarnation } = await store.open();
  try {
    const fate = (id: TaskId): Fate => core.fate(id);
    const isOpen = (id: TaskId): boolean => fate(id) === 'open';
    const copies = new Copies({
      self: identity.peer,
      folder: options.checkpoints,
      network,
      isOpen,
      log: (event, facts) => log('debug', event, facts),
    });
    const agents = options.agents(copies, fate);
    const config: CoreConfig = {
      self: identity.peer,
      incarnation,
      role: options.role,
      name,
      host: options.host,
      version: options.version,
      specialties: options.specialties,
      capacity: options.capacity,
      executor: options.executor,
      budgets: options.budgets ?? { dailyUsd: null, meshDailyUsd: null },
      sandbox: options.sandbox ?? null,
      timing: { ...defaultTiming, ...options.timing },
      addresses: () => network.addresses(),
      sign: identity.sign,
      random: Math.random,
      aptitude: (repository) => agents.aptitude(repository),
    };
    const tasks = stored.tasks.map(({ task, record }) => openStored(task, record, identity.verify));
    const core = new Core(config, stored, tasks, readClocks());
    await options.checkpoints.sweep((task) => isOpen(task as TaskId));
    for (const { peer, addresses } of stored.peers) network.addPeer(peer, addresses);
    const { verify } = identity;
    const readLog: ReadLog = (query) => agents.readLog(query);
    const parts = { core, name, mesh: mesh.name, network, store, agents, verify, readLog, copies, log, onFatal };
    const driver = new Driver(parts);
    await driver.start();
    return driver;
  } catch (error) {
    await network.stop();
    await store.close();
    throw error;
  }
}

function openStored(id: TaskId, record: SignedRecord, verify: Verify): Task {
  const task = openTask(record, verify);
  if ('invalid' in task || task.id !== id) {
    const why = 'invalid' in task ? task.invalid : 'its id does not fit';
    throw new StoreError('unreadable', '', `the stored record of task ${id.slice(0, 8)} is damaged: ${why}`);
  }
  return task;
}
