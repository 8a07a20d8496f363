import { setTimeout as delay } from 'node:timers/promises';
import type { Command, PeerEvent } from '../../../src/peer/core/io.ts';
import type { DurableRecord } from '../../../src/peer/store/store.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { isTerminal } from '../../../src/protocol/state.ts';
import { VirtualForge } from '../../../test/sim/forge/forge.ts';
import { Maintainers } from '../../../test/sim/forge/maintainers.ts';
import { Wire } from '../../../test/sim/forge/wire.ts';
import { Workers } from '../../../test/sim/forge/workers.ts';
import { Observers } from '../../../test/sim/observers.ts';
import { opened } from '../../../test/sim/opened.ts';
import { People } from '../../../test/sim/people.ts';
import { type Traits, traitsOf } from '../../../test/sim/profile.ts';
import type { Clockwork } from '../../../test/sim/queue.ts';
import { Random } from '../../../test/sim/random.ts';
import type { RunOptions, RunResult, Traffic } from '../../../test/sim/result.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { LiveFaults } from './faults.ts';
import { Fleet } from './fleet.ts';
import { Values } from './watched-store.ts';

/** I5 on a live mesh: grants, a lease and a silence run out, an electorate heals, and the work is done again. */
const boundMs = 150_000;
const idleMs = 5_000;
const meetMs = 30_000;
/** What was said last must have arrived everywhere. */
const lookMs = 1_000;
/** The way to the forge is so much faster than in virtual time, of which there is plenty. */
const wireSpeed = 20;
/** The share of a run in which tasks are submitted; what is left is for the progress bar. */
const submitting = 0.8;

/** The same scenario on real peers and in real time. Only what the seed decides is repeated, not how it ends. */
export async function runLive(options: RunOptions): Promise<RunResult> {
  const run = new LiveRun(options);
  return run.run();
}

class LiveRun {
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #traits: Traits;
  readonly #observers: Observers;
  readonly #workers: Workers;
  readonly #maintainers: Maintainers;
  readonly #values = new Values();
  /** Ends that a peer has shown, by peer and task. */
  readonly #shown = new Set<string>();
  readonly #begunMs = performance.now();
  #fleet: Fleet | null = null;
  #commands = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new Random(options.seed).fork(options.profile);
    this.#traits = traitsOf[options.profile];
    this.#observers = new Observers((name) => this.#mesh.at(name).identity.peer);
    const { wire, maintainers } = this.#traits;
    const forge = new VirtualForge(() => this.#nowMs(), this.#observers);
    const soon: Clockwork = { after: (ms, run) => void setTimeout(run, ms / wireSpeed).unref() };
    const way = new Wire(soon, this.#random.fork('wire'), { ...wire, slowPushes: 0 });
    this.#workers = new Workers(forge, way, this.#random.fork('agents'), this.#agents());
    this.#maintainers = new Maintainers(soon, this.#random.fork('maintainers'), forge, maintainers);
    this.#observers.add(this.#maintainers);
  }

  async run(): Promise<RunResult> {
    const { peers, specialties = [], durationMs, onProgress } = this.#options;
    await using fleet = await Fleet.create({
      names: Array.from({ length: peers }, (_, index) => `peer-${String(index + 1).padStart(2, '0')}`),
      specialtiesOf: (index) =>
        specialties.length === 0 ? ['general'] : [specialties[index % specialties.length] ?? ''],
      workers: this.#workers,
      eyesOf: (peer) => ({
        nowMs: () => this.#nowMs(),
        see: (sight) => this.#observers.see({ at: this.#nowMs(), peer, ...sight }),
      }),
      onDurable: (peer, record) => this.#onDurable(peer, record),
      onEvent: (peer, event) => this.#onEvent(peer, event),
    });
    this.#fleet = fleet;
    const faults = new LiveFaults(fleet, this.#random.fork('faults'), this.#observers, () => this.#nowMs());
    for (const peer of fleet.peers) await faults.start(peer);
    await waitFor(
      'the peers to meet',
      () => fleet.up().every(({ service }) => service.peers().length >= peers),
      meetMs,
    );
    const begunMs = this.#nowMs();
    using _ticking = every(1_000, () => {
      const done = Math.min(1, (this.#nowMs() - begunMs) / durationMs);
      onProgress?.(done * submitting, this.#observers.history.ended);
    });
    this.#beginPeople();
    await Promise.all([delay(durationMs), faults.rage(this.#options.profile, durationMs)]);
    this.#workers.calmDown();
    this.#maintainers.calmDown();
    await this.#untilAllEnded();
    await delay(lookMs);
    this.#look();
    return this.#result(await this.#traffic());
  }

  /** As in the profile, but for what takes minutes; agents are busy for about half of the time that there is. */
  #agents(): Traits['agents'] {
    const { durationMs, peers, tasks } = this.#options;
    const meanMs = Math.min(durationMs / 4, (durationMs * peers) / tasks / 2);
    return {
      ...this.#traits.agents,
      refusals: 0,
      quotas: 0,
      usdPerMinute: [0, 0],
      workMs: [0.5 * meanMs, 1.5 * meanMs],
    };
  }

  #beginPeople(): void {
    const { tasks, durationMs, specialties = [] } = this.#options;
    const begunMs = this.#nowMs();
    const mesh = {
      names: this.#mesh.peers.map(({ name }) => name),
      nowMs: 0,
      queue: { after: (ms: number, act: () => void) => void setTimeout(act, begunMs + ms - this.#nowMs()) },
      isRunning: (name: string) => this.#mesh.at(name).service !== null,
      tasks: (name: string) => this.#mesh.at(name).service?.tasks() ?? [],
      command: (name: string, command: Command) => void this.#command(name, command),
    };
    const plan = { tasks, durationMs, specialties, traits: this.#traits.people };
    const people = new People(mesh, this.#random.fork('people'), plan);
    this.#observers.add(people);
    people.begin();
  }

  /** A peer that is stopped meanwhile answers nobody. */
  async #command(peer: string, command: Command): Promise<void> {
    this.#commands += 1;
    const id = `command-${this.#commands}`;
    this.#observers.see({ at: this.#nowMs(), peer, type: 'asked', id, command });
    const reply = await this.#mesh.at(peer).service?.command(command);
    if (reply !== undefined) this.#observers.see({ at: this.#nowMs(), peer, type: 'replied', id, reply });
  }

  #onDurable(peer: string, record: DurableRecord): void {
    const at = this.#nowMs();
    if (record.kind === 'task') this.#observers.see({ at, peer, type: 'record', task: opened(record.record) });
    if (record.kind !== 'register') return;
    const { accepted, initial, ...rest } = record.register;
    const register = {
      ...rest,
      initial: initial && this.#values.same(initial),
      accepted: accepted && { ...accepted, value: this.#values.same(accepted.value) },
    };
    this.#observers.see({ at, peer, type: 'register', task: record.task, register });
  }

  #onEvent(peer: string, event: PeerEvent): void {
    const at = this.#nowMs();
    if (event.type === 'lease' || event.type === 'generation' || event.type === 'fork-met')
      this.#observers.see({ at, peer, ...event });
    if (event.type !== 'task' || this.#shown.has(`${peer} ${event.task}`)) return;
    const state = this.#mesh.at(peer).service?.task(event.task)?.state;
    if (state === undefined || !isTerminal(state)) return;
    this.#shown.add(`${peer} ${event.task}`);
    this.#observers.see({ at, peer, type: 'told-end', task: event.task, state: this.#values.same(state) });
  }

  async #untilAllEnded(): Promise<void> {
    const { history, judge } = this.#observers;
    const isOpen = (task: TaskId): boolean =>
      this.#mesh.up().some(({ service }) => {
        const view = service.task(task);
        return view === null ? judge.acknowledged.has(task) : !isTerminal(view.state);
      });
    // Who does not end in time is told by what everybody shows then.
    await waitFor('all tasks to end', () => !history.tasks.some(isOpen), boundMs).catch(() => {});
  }

  #look(): void {
    for (const task of this.#observers.history.tasks) {
      for (const { name, service } of this.#mesh.up()) {
        const phase = service.task(task)?.state.phase.name ?? null;
        this.#observers.see({ at: this.#nowMs(), peer: name, type: 'shows', task, phase });
      }
    }
  }

  async #traffic(): Promise<Traffic> {
    const { cables } = this.#mesh;
    const before = { messages: cables.sentMessages, bytes: this.#mesh.sentBytes() };
    await delay(idleMs);
    const [messages, bytes] = [cables.sentMessages, this.#mesh.sentBytes()];
    const perPeerPerSecond = (sent: number): number => (sent * 1_000) / idleMs / this.#mesh.peers.length;
    return {
      messages,
      bytes,
      messagesByPeer: {},
      bytesByPeer: {},
      idleMessagesPerPeerPerSecond: perPeerPerSecond(messages - before.messages),
      idleBytesPerPeerPerSecond: perPeerPerSecond(bytes - before.bytes),
    };
  }

  #result(traffic: Traffic): RunResult {
    const { seed, profile } = this.#options;
    const { history, failovers, judge, named, log } = this.#observers;
    const stateOf = (task: TaskId): string => {
      const names = this.#mesh.up().flatMap(({ service }) => service.task(task)?.state.phase.name ?? []);
      return names.find((name) => name === 'done' || name === 'failed' || name === 'cancelled') ?? names[0] ?? 'lost';
    };
    return {
      seed,
      profile,
      peers: this.#mesh.peers.map(({ name }) => name),
      virtualMs: this.#nowMs(),
      events: 0,
      violations: judge.violations,
      occurred: named.counts,
      trace: '',
      lastEvents: judge.findings.length === 0 ? [] : log.about(judge.suspect),
      tasks: history.histories(stateOf, (task) => this.#workers.workMs(task)),
      faults: history.faults,
      failoversMs: failovers.ms,
      headlessFailoversMs: failovers.headlessMs,
      traffic,
    };
  }

  get #mesh(): Fleet {
    if (this.#fleet === null) throw new Error('the run has not begun');
    return this.#fleet;
  }

  /** Since the beginning of the run. */
  #nowMs(): number {
    return performance.now() - this.#begunMs;
  }
}

function every(ms: number, act: () => void): Disposable {
  const timer = setInterval(act, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
