import type { Fate } from '../../protocol/agent.ts';
import type { Hello } from '../../protocol/hello.ts';
import type { CommandId, Now, PeerId, TaskId, TaskKey } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import type { Tombstone } from '../../protocol/tombstone.ts';
import type { Stored } from '../store/store.ts';
import { lookForWork, tickMs } from './housekeeping.ts';
import { takeGossip, takeMessage } from './inbox.ts';
import type { Command, CoreConfig, Effect, Input, InputOf, PeerView, SpendView, TaskView } from './io.ts';
import { assemble, heldBy, type Machines } from './machines.ts';
import { fateOf, type Round, roundOf } from './rounds.ts';
import { Step } from './step.ts';
import { takeTimer } from './timers.ts';
import { viewOf } from './view.ts';

/**
 * One peer, without a clock, a disk or a network: `step` takes what happened and says what is to be done. The live peer
 * and the simulator run this same class; the driver that carries out the effects is all in which they differ.
 */
export class Core {
  readonly #machines: Machines;

  /** `tasks` are the stored records, opened; a peer that starts for the first time has none. */
  constructor(config: CoreConfig, stored: Stored, tasks: readonly Task[], now: Now) {
    this.#machines = assemble(config, stored, tasks, now);
  }

  /** The effects of coming to life: timers, the first advert, and what an earlier run had left undone. */
  start(now: Now): readonly Effect[] {
    const { config, registers, seats, submissions, adverts } = this.#machines;
    const step = new Step(now);
    step.setTimer({ type: 'tick' }, tickMs);
    step.setTimer({ type: 'sync' }, config.timing.syncEveryMs);
    adverts.onIntervalTimer(step);
    submissions.begin(step);
    for (const task of registers.tasks()) seats.considerTurn(task, step);
    return step.effects;
  }

  /** What happened → what is to be done, in list order. Input that makes no sense is ignored, never thrown at. */
  step(input: Input, now: Now): readonly Effect[] {
    const step = new Step(now);
    this.#handle(input, step);
    this.#machines.adverts.considerChange(step);
    this.#machines.drain.consider(step);
    return step.effects;
  }

  /** The first frame on a link, as of now. */
  hello(): Hello {
    return this.#machines.membership.hello();
  }

  peers(now: Now): readonly PeerView[] {
    const { membership, adverts, means } = this.#machines;
    return membership.views(now, adverts.status(now.wallMs), means.spending);
  }

  spend({ wallMs }: Now): SpendView {
    const { means, config } = this.#machines;
    const { spending } = means;
    return { here: spending.today(wallMs), meshUsd: spending.ofMesh(wallMs), budgets: config.budgets };
  }

  names(): readonly (readonly [PeerId, string])[] {
    return this.#machines.membership.acquaintances.names();
  }

  tasks(): readonly TaskView[] {
    return this.#machines.catalogue.all().map((entry) => viewOf(entry, this.#machines));
  }

  task(id: TaskId): TaskView | null {
    const entry = this.#machines.catalogue.get(id);
    return entry === undefined ? null : viewOf(entry, this.#machines);
  }

  /** What came of a task that was pruned. */
  tombstone(id: TaskId): Tombstone | null {
    return this.#machines.catalogue.tombstones.get(id) ?? null;
  }

  /** In no order. */
  tombstones(): readonly Tombstone[] {
    return this.#machines.catalogue.tombstones.all();
  }

  /** The tasks of a key, those that were pruned too, in no order. */
  rounds(key: TaskKey): readonly Round[] {
    const { catalogue } = this.#machines;
    const known = catalogue.withKey(key).map(({ task, state }) => roundOf(task, state));
    const buried = catalogue.tombstones.withKey(key).map(({ task, round, end }) => ({ task, round, end }));
    return [...known, ...buried];
  }

  /** What has become of a task, for whoever keeps something about it. */
  fate(id: TaskId): Fate {
    const { catalogue } = this.#machines;
    const entry = catalogue.get(id);
    const buried = catalogue.tombstones.get(id);
    const known = entry === undefined ? (buried ?? null) : roundOf(entry.task, entry.state);
    const key = entry?.task.body.key ?? buried?.key;
    return fateOf(known, key === undefined ? [] : this.rounds(key));
  }

  /** How much each of its machines remembers, in entries: nothing may grow for as long as a peer runs. */
  held(): Readonly<Record<string, number>> {
    return heldBy(this.#machines);
  }

  /** I1: of all peers at most one says so of a task at any time. */
  leads(task: TaskId, now: Now): boolean {
    return this.#machines.leaders.leads(task, now);
  }

  #handle(input: Input, step: Step): void {
    const { membership, leaders, worker } = this.#machines;
    switch (input.type) {
      case 'message':
        return takeMessage(this.#machines, input.from, input.message, step);
      case 'gossip':
        return takeGossip(this.#machines, input.from, input.gossip, step);
      case 'timer':
        return takeTimer(this.#machines, input.timer, step);
      case 'peer-up':
        return this.#onPeerUp(input.peer, input.hello, step);
      case 'peer-down':
        membership.down(input.peer, step);
        return leaders.onPeerGone(input.peer, 'its connection closed', step);
      case 'command':
        return this.#onCommand(input.id, input.command, step);
      case 'agent':
        return this.#onAgent(input, step);
      case 'replicated':
        return worker.onReplicated(input, step);
      case 'woke':
        leaders.dropAll(step);
        worker.onWoke(step);
        return lookForWork(this.#machines, step);
    }
  }

  #onPeerUp(peer: PeerId, hello: Hello, step: Step): void {
    const { membership, leaders, adverts, sync } = this.#machines;
    const { restarted } = membership.up(peer, hello, step);
    if (restarted) leaders.onPeerGone(peer, 'its peer was restarted', step);
    adverts.greeted(hello.advert);
    sync.onUp(peer, step);
    leaders.considerAll(step);
  }

  #onAgent({ run, report }: InputOf<'agent'>, step: Step): void {
    const { worker, bidder, means } = this.#machines;
    const repository = worker.taskOf(run)?.body.repository;
    if (report.type === 'refused' && repository !== undefined) bidder.onRefused(repository, report.reason, step);
    worker.onAgent(run, means.take(run, report, step), step);
    const lack = means.exhausted(step.wallMs);
    if (lack !== null) worker.handOver(lack, step);
    bidder.offer(step);
  }

  #onCommand(id: CommandId, command: Command, step: Step): void {
    const { config, generations, submissions, requests, drain } = this.#machines;
    switch (command.type) {
      case 'submit':
        if (config.role === 'client') return requests.submitByPeer(id, command.draft, command.again, step);
        return submissions.submit(command.draft, command.again, { type: 'command', id }, step);
      case 'cancel':
        return requests.cancel(id, command.task, command.reason, step);
      case 'adopt':
        return generations.adopt(id, command.task, step);
      case 'drain':
        return drain.begin(id, step);
    }
  }
}
