import { setTimeout as delay } from 'node:timers/promises';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { promptKey } from '../../../src/protocol/record.ts';
import { isTerminal } from '../../../src/protocol/state.ts';
import { seeded } from '../../../test/sim/random.ts';
import { NamedEvents, type Profile, type RunOptions, type RunResult, type Traffic } from '../../../test/sim/result.ts';
import { draftOf } from '../../../test/sim/script.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { Script } from './agent.ts';
import { Fleet } from './fleet.ts';
import { History } from './history.ts';

/** I5 on a live mesh: a lease and a silence run out, an electorate heals, and the work is done again. */
const boundMs = 90_000;
const idleMs = 5_000;
const meetMs = 30_000;
const answerMs = 15_000;
/** The share of a run in which tasks are submitted. */
const submitting = 0.8;
/** From the end of one fault to the beginning of the next. */
const calmMs: Readonly<Record<Profile, number>> = { calm: Number.POSITIVE_INFINITY, rough: 12_000, hostile: 4_000 };

/** The same scenario on real peers and in real time. Only what the seed decides is repeated, not how it ends. */
export async function runLive(options: RunOptions): Promise<RunResult> {
  const run = new LiveRun(options);
  return run.run();
}

class LiveRun {
  readonly #options: RunOptions;
  readonly #history = new History();
  readonly #random: () => number;
  readonly #workMsByTask = new Map<string, number>();
  readonly #acknowledged = new Set<TaskId>();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
  }

  async run(): Promise<RunResult> {
    const { peers, specialties = [] } = this.#options;
    await using fleet = await Fleet.start({
      names: Array.from({ length: peers }, (_, index) => `peer-${String(index + 1).padStart(2, '0')}`),
      specialtiesOf: (index) =>
        specialties.length === 0 ? ['general'] : specialties.slice(index % specialties.length).slice(0, 1),
      script: (task) => this.#script(task),
      onAgent: (peer) => this.#history.agentsOf(peer),
      onEvent: (peer, event) => {
        this.#history.onEvent(peer, event);
        if (event.type === 'task') this.#look(fleet, event.task);
      },
    });
    const all = peers - 1;
    await waitFor('the peers to meet', () => fleet.up().every(({ service }) => service.peers().length > all), meetMs);
    await Promise.all([this.#submitAll(fleet), this.#strikeOn(fleet)]);
    await this.#recover(fleet);
    await this.#end(fleet);
    return this.#result(fleet, await this.#traffic(fleet));
  }

  #script(task: string): Script {
    return { workMs: this.#workMs(task), fails: this.#options.profile !== 'calm' && this.#random() < 0.05 };
  }

  /** Each task has its own, whoever works on it; agents are busy for about half of the time there is. */
  #workMs(task: string): number {
    const known = this.#workMsByTask.get(task);
    if (known !== undefined) return known;
    const { durationMs, peers, tasks } = this.#options;
    const workMs = Math.min(durationMs / 4, (durationMs * peers) / tasks / 2) * (0.5 + this.#random());
    this.#workMsByTask.set(task, workMs);
    return workMs;
  }

  async #submitAll(fleet: Fleet): Promise<void> {
    const { tasks, durationMs, onProgress } = this.#options;
    const replies: Promise<void>[] = [];
    for (let index = 0; index < tasks; index += 1) {
      const peer = this.#pick(fleet.up());
      if (peer !== undefined) replies.push(this.#submit(peer, `Task ${index + 1}`));
      await delay(durationMs / tasks);
      onProgress?.(((index + 1) / tasks) * submitting, this.#ended());
    }
    await Promise.all(replies);
  }

  async #submit({ service }: ReturnType<Fleet['up']>[number], title: string): Promise<void> {
    const submittedMs = this.#history.nowMs();
    const command = service.command({ type: 'submit', draft: draftOf({ key: promptKey(title), title }), again: false });
    // A peer that is stopped meanwhile answers nobody.
    const reply = await Promise.race([command, delay(answerMs, null, { ref: false })]);
    if (reply === null || !('task' in reply)) return;
    this.#history.submitted(reply.task, title, submittedMs);
    if (reply.type === 'submitted') this.#acknowledged.add(reply.task);
  }

  /** One fault after the other for as long as tasks come: a peer stopped and started again, or the mesh cut in two. */
  async #strikeOn(fleet: Fleet): Promise<void> {
    const pauseMs = calmMs[this.#options.profile];
    const mostMs = this.#history.nowMs() + this.#options.durationMs;
    while (this.#history.nowMs() + pauseMs * 2 < mostMs) {
      await delay(pauseMs);
      if (this.#random() < 0.5) await this.#stopOne(fleet, pauseMs);
      else await this.#cutOff(fleet, pauseMs);
    }
  }

  async #stopOne(fleet: Fleet, forMs: number): Promise<void> {
    const peer = this.#pick(fleet.up());
    if (peer === undefined || fleet.up().length < 2) return;
    const over = this.#history.fault('stop', [peer.name]);
    this.#history.workersLost([peer.name]);
    await fleet.stopPeer(peer);
    this.#history.gone(peer.name);
    await delay(forMs);
    await fleet.startPeer(peer);
    over();
  }

  async #cutOff(fleet: Fleet, forMs: number): Promise<void> {
    const far = fleet.peers.filter(() => this.#random() < 0.3);
    if (far.length === 0 || far.length === fleet.peers.length) return;
    const over = this.#history.fault(
      'cut',
      far.map(({ name }) => name),
    );
    this.#history.workersLost(far.map(({ name }) => name));
    fleet.cables.cut(far.map(({ identity }) => identity.peer));
    await delay(forMs);
    fleet.cables.heal();
    over();
  }

  async #recover(fleet: Fleet): Promise<void> {
    fleet.cables.heal();
    for (const peer of fleet.peers) if (peer.service === null) await fleet.startPeer(peer);
  }

  /** I5 for all, and I4 for what was acknowledged. */
  async #end(fleet: Fleet): Promise<void> {
    const isOpen = (task: TaskId): boolean =>
      fleet.up().some(({ service }) => {
        const view = service.task(task);
        return view === null || !isTerminal(view.state);
      });
    const open = (): readonly TaskId[] => [...this.#acknowledged].filter(isOpen);
    const waited = waitFor('all tasks to end', () => open().length === 0, boundMs);
    await waited.catch(() => {
      for (const task of open()) this.#history.violate('I5', `task ${task.slice(0, 8)} has not ended everywhere`);
    });
  }

  async #traffic(fleet: Fleet): Promise<Traffic> {
    const before = { messages: fleet.cables.sentMessages, bytes: fleet.sentBytes() };
    await delay(idleMs);
    const [messages, bytes] = [fleet.cables.sentMessages, fleet.sentBytes()];
    const perPeerPerSecond = (sent: number): number => (sent * 1_000) / idleMs / fleet.peers.length;
    return {
      messages,
      bytes,
      messagesByPeer: {},
      bytesByPeer: {},
      idleMessagesPerPeerPerSecond: perPeerPerSecond(messages - before.messages),
      idleBytesPerPeerPerSecond: perPeerPerSecond(bytes - before.bytes),
    };
  }

  #result(fleet: Fleet, traffic: Traffic): RunResult {
    const { seed, profile } = this.#options;
    const stateOf = (task: string): string => {
      const names = fleet.up().map(({ service }) => service.task(task as TaskId)?.state.phase.name ?? 'open');
      return names.find((name) => name === 'done' || name === 'failed' || name === 'cancelled') ?? 'open';
    };
    return {
      seed,
      profile,
      peers: fleet.peers.map(({ name }) => name),
      virtualMs: this.#history.nowMs(),
      events: 0,
      violations: this.#history.violations,
      occurred: Object.fromEntries(NamedEvents.map((name) => [name, 0])) as RunResult['occurred'],
      trace: '',
      lastEvents: [],
      tasks: this.#history.tasks(stateOf, (task) => this.#workMs(task)),
      faults: this.#history.faults,
      failoversMs: this.#history.failoversMs,
      headlessFailoversMs: [],
      traffic,
    };
  }

  #look(fleet: Fleet, task: TaskId): void {
    const isEnded = fleet.up().some(({ service }) => {
      const view = service.task(task);
      return view !== null && isTerminal(view.state);
    });
    if (isEnded) this.#history.ended(task);
  }

  #ended(): number {
    return this.#history
      .tasks(
        () => '',
        () => 0,
      )
      .filter(({ endedMs }) => endedMs !== null).length;
  }

  #pick<T>(of: readonly T[]): T | undefined {
    return of[Math.floor(this.#random() * of.length)];
  }
}
