import type { Command, PeerEvent, PeerView, Reply, SpendView, TaskView } from '../../../src/peer/core/io.ts';
import { type Round, roundOf } from '../../../src/peer/core/rounds.ts';
import type { PeerService } from '../../../src/peer/service.ts';
import type { LogPiece, LogQuery } from '../../../src/protocol/agent.ts';
import { originOf } from '../../../src/protocol/generation.ts';
import { type HostId, type PeerId, type TaskId, type TaskKey, wallMs } from '../../../src/protocol/ids.ts';
import { type Draft, promptKey, signTask } from '../../../src/protocol/record.ts';
import { initialState } from '../../../src/protocol/state.ts';
import type { Tombstone } from '../../../src/protocol/tombstone.ts';

export const alpha = '12D3KooWaLpha' as PeerId;
export const beta = '12D3KooWbeta' as PeerId;

export const draft: Draft = {
  key: promptKey('one'),
  title: 'Fix the greeting',
  prompt: 'Fix it',
  source: { type: 'prompt' },
  repository: { type: 'path', path: '/repos/greeting', host: 'here' as HostId },
  base: null,
  path: null,
  verify: null,
  requires: { specialties: ['backend'], explicit: false, reason: 'label backend' },
  priority: 'normal',
  limits: { wallMs: 60_000, idleMs: 10_000, budgetUsd: null },
};

type Changes = Partial<Draft & { round: number }>;

export function makeView(title: string, more: Partial<TaskView> = {}, changes: Changes = {}): TaskView {
  const body = {
    ...draft,
    round: 1,
    ...changes,
    title,
    submitter: alpha,
    createdAt: wallMs(1_000),
    nonce: 'ab'.repeat(16),
  };
  const task = signTask({ ...body, format: 1, electorate: [alpha, beta] }, () => new Uint8Array(64));
  return {
    task,
    state: initialState,
    leader: null,
    generation: originOf(task),
    electors: [
      { peer: alpha, name: 'alpha', reachable: true },
      { peer: beta, name: 'beta', reachable: false },
    ],
    stalled: null,
    cancelPending: false,
    answers: [],
    progress: null,
    story: [],
    ...more,
  };
}

/** A peer that answers what the test says, and keeps what it was told. */
export class FakeService implements PeerService {
  readonly self = alpha;
  readonly name = 'alpha';
  readonly mesh = 'home';
  readonly startedAt = new Date(0);
  readonly commands: Command[] = [];
  readonly queries: LogQuery[] = [];
  readonly views = new Map<TaskId, TaskView>();
  readonly buried = new Map<TaskId, Tombstone>();
  readonly listeners = new Set<(event: PeerEvent) => void>();
  /** How many have ever listened. */
  subscribed = 0;
  piece: LogPiece | { readonly unavailable: string } = { unavailable: 'no attempt has started' };
  reply: (command: Command) => Reply | Promise<Reply> = () => ({ type: 'refused', reason: 'no peer answered' });

  constructor(...views: readonly TaskView[]) {
    for (const view of views) this.views.set(view.task.id, view);
  }

  addresses(): readonly string[] {
    return ['/ip4/192.168.1.10/tcp/4001'];
  }

  peers(): readonly PeerView[] {
    return [viewOf(alpha, 'alpha', true), viewOf(beta, 'beta', false)];
  }

  names(): readonly (readonly [PeerId, string])[] {
    return [];
  }

  spend(): SpendView {
    return { here: { day: 20_000, usd: 1.5 }, meshUsd: 2.25, budgets: { dailyUsd: 5, meshDailyUsd: null } };
  }

  refused(): readonly { readonly peer: PeerId; readonly reason: string }[] {
    return [];
  }

  tasks(): readonly TaskView[] {
    return [...this.views.values()];
  }

  task(id: TaskId): TaskView | null {
    return this.views.get(id) ?? null;
  }

  tombstone(id: TaskId): Tombstone | null {
    return this.buried.get(id) ?? null;
  }

  tombstones(): readonly Tombstone[] {
    return [...this.buried.values()];
  }

  rounds(key: TaskKey): readonly Round[] {
    const known = this.tasks().filter(({ task }) => task.body.key === key);
    const buried = this.tombstones().filter((one) => one.key === key);
    return [...known.map(({ task, state }) => roundOf(task, state)), ...buried];
  }

  async command(command: Command): Promise<Reply> {
    this.commands.push(command);
    return this.reply(command);
  }

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.subscribed += 1;
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async log(query: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    this.queries.push(query);
    return this.piece;
  }

  traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return { sentBytes: 1, receivedBytes: 2 };
  }

  async stop(): Promise<void> {}

  /** Replaces what is known of a task, and tells of it. */
  change(view: TaskView): void {
    this.views.set(view.task.id, view);
    this.emit({ type: 'task', task: view.task.id });
  }

  emit(event: PeerEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

const viewOf = (peer: PeerId, name: string, self: boolean): PeerView => ({
  self,
  connected: self,
  lastSeenMs: self ? 0 : 1_234.5,
  spentTodayUsd: self ? 1.5 : null,
  advert: {
    peer,
    name,
    incarnation: 1,
    seq: 1,
    specialties: ['general'],
    capacity: 1,
    running: 0,
    executor: self ? 'command' : null,
    unavailable: self ? null : { until: wallMs(5_000), reason: 'quota' },
    version: '0.1.0',
    addresses: [],
  },
});
