import type { Command, Input, Reply, SpendView, TaskView } from '../../src/peer/core/io.ts';
import type { Round } from '../../src/peer/core/rounds.ts';
import type { AgentReport, Fate, Job } from '../../src/protocol/agent.ts';
import type { BlobId, CommandId, Now, PeerId, RunId, TaskId, TaskKey } from '../../src/protocol/ids.ts';
import { type Draft, promptKey } from '../../src/protocol/record.ts';
import type { Phase } from '../../src/protocol/state.ts';
import { defaultTiming, type Timing } from '../../src/protocol/timing.ts';
import type { Tombstone } from '../../src/protocol/tombstone.ts';
import { ScriptedAgents, type VirtualAgents } from './agents.ts';
import type { DiskImage } from './disk.ts';
import { Driver, exitMs } from './driver.ts';
import { type Conditions, type Cut, type CutKind, goodConditions, VirtualNetwork } from './network.ts';
import { Node } from './node.ts';
import type { Observer } from './observation.ts';
import { EventQueue } from './queue.ts';
import { Random } from './random.ts';
import type { PeerSpec, Records } from './records.ts';
import { type AgentScript, draftOf, type PublishScript, type StopScript } from './script.ts';
import type { Trace } from './trace.ts';
import { TrafficCounter } from './traffic.ts';

export interface WorldOptions {
  readonly seed?: number;
  /** Where others have their events too. */
  readonly queue?: EventQueue;
  /** Streams of chance by purpose, instead of one for everything. */
  readonly random?: (purpose: string) => Random;
  readonly timing?: Partial<Timing>;
  readonly agent?: AgentScript;
  readonly publish?: PublishScript;
  readonly stop?: StopScript;
  /** Instead of scripts. */
  readonly agents?: VirtualAgents;
  /** Of crashes, that take the checkpoints on the disk with them. */
  readonly lostCheckpoints?: number;
  readonly conditions?: Conditions;
  readonly observer?: Observer;
  readonly trace?: Trace;
  /** Whether bytes are counted. */
  readonly traffic?: boolean;
  /** Off for runs of hours: `Records` keep everything. */
  readonly recording?: boolean;
}

/** Many cores in one process, on a virtual clock, network and disk. Nothing here waits for real time. */
export class World implements Records {
  readonly queue: EventQueue;
  readonly replies: Records['replies'] = new Map();
  readonly events: Records['events'] = [];
  readonly started: Records['started'] = [];
  readonly stopped: Records['stopped'] = [];
  readonly ended: Records['ended'] = [];
  readonly published: Records['published'] = [];
  readonly observed: Records['observed'] = [];
  readonly sent: Records['sent'] = [];
  readonly names: readonly string[];
  readonly traffic: TrafficCounter;
  readonly #driver: Driver;
  readonly #ids: readonly PeerId[];
  #commands = 0;

  constructor(specs: readonly PeerSpec[], options: WorldOptions = {}) {
    this.queue = options.queue ?? new EventQueue();
    const own = new Random(options.seed ?? 1);
    const random = options.random ?? (() => own);
    this.names = specs.map(({ name }) => name);
    this.#ids = this.names.map(peerIdOf);
    this.traffic = new TrafficCounter(options.traffic ?? false);
    this.#driver = new Driver({
      queue: this.queue,
      random,
      nodes: new Map(specs.map((spec) => [peerIdOf(spec.name), new Node(peerIdOf(spec.name), spec)])),
      network: (host) => new VirtualNetwork(this.queue, random('network'), host, options.conditions ?? goodConditions),
      agents: options.agents ?? new ScriptedAgents(options.agent, options.publish, options.stop),
      lostCheckpoints: options.lostCheckpoints ?? 0,
      timing: { ...defaultTiming, ...options.timing },
      traffic: this.traffic,
      records: options.recording === false ? null : this,
      observer: options.observer ?? null,
      trace: options.trace ?? null,
    });
    for (const { name, later } of specs) if (later !== true) this.start(name);
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  get network(): VirtualNetwork {
    return this.#driver.network;
  }

  // ── what befalls peers ──────────────────────────────────────────────────────────────────────────────────────

  start(name: string): void {
    this.#driver.start(this.#node(name));
  }

  /** `kill -9`: memory, agents and everything unsynced are gone; neighbours notice after the redial has been refused. */
  kill(name: string): void {
    this.#driver.end(this.#node(name), 'crashed');
  }

  /** It is killed in the middle of its next step: what the first of its effects wrote is kept, the rest is never done. */
  doom(name: string, share: number): void {
    this.#node(name).doom = share;
  }

  /** Whatever was in store for it in its next step. */
  spare(name: string): void {
    this.#node(name).doom = null;
  }

  /** Says goodbye, hands everything over, and exits once that is done. */
  leave(name: string): void {
    this.#node(name).leaving = true;
    this.command(name, { type: 'drain' });
  }

  /** The end of a process that has the time to send what it said, and to write down what it kept back. */
  exit(name: string): void {
    this.runFor(exitMs);
    this.#driver.exit(this.#node(name));
  }

  /** `kill -STOP` and `-CONT`: the clocks go on and so do the agents, nothing is handled. */
  pause(name: string): void {
    this.#node(name).standing = 'paused';
    this.#driver.changed(this.#node(name), 'paused');
  }

  resume(name: string): void {
    const node = this.#node(name);
    if (node.standing !== 'paused') return;
    node.standing = 'running';
    this.#driver.changed(node, 'continued');
    node.release();
    this.#driver.network.connect(node.id);
  }

  /** The lid is closed: its monotonic clock stands still, nothing reaches it, its agents do not go on either. */
  sleep(name: string): void {
    const node = this.#node(name);
    const leases = this.#driver.leasesOf(node);
    node.standing = 'asleep';
    node.clock.sleep(this.nowMs);
    node.sleepCut = this.#driver.network.cut([node.id], this.#others(node));
    this.#driver.changed(node, 'slept', leases);
  }

  /** The wall clock has jumped. Unless it goes unnoticed, the core hears of it before anything else. */
  wake(name: string, noticed = true): void {
    const node = this.#node(name);
    if (node.standing !== 'asleep') return;
    node.standing = 'running';
    node.clock.wake(this.nowMs);
    if (!noticed) node.lostMs(this.#driver.now(node));
    this.#driver.changed(node, 'woke');
    this.#driver.endSleepCut(node);
    node.release();
  }

  /** So much time passes on the wall clock of every PC, as if all of them had slept or been off. */
  leap(ms: number): void {
    for (const name of this.names) this.#node(name).clock.leap(ms);
  }

  /** Nothing passes between the two groups. */
  cut(some: readonly string[], others: readonly string[], kind: CutKind = {}): Cut {
    return this.#driver.network.cut(some.map(peerIdOf), others.map(peerIdOf), kind);
  }

  heal(cut?: Cut): void {
    this.#driver.network.heal(cut);
  }

  isUp(name: string): boolean {
    return this.#node(name).core !== null;
  }

  isPaused(name: string): boolean {
    return this.#node(name).standing === 'paused';
  }

  isRunning(name: string): boolean {
    return this.#node(name).isRunning;
  }

  // ── what people do ──────────────────────────────────────────────────────────────────────────────────────────

  /** Each submission has a key of its own, unless one is given. */
  submit(name: string, draft: Partial<Draft> = {}, again = false): string {
    const key = promptKey(`${this.#commands}`);
    return this.command(name, { type: 'submit', draft: draftOf({ key, ...draft }), again });
  }

  /** Gives a command and returns the key under which its reply will be found. */
  command(name: string, command: Command): string {
    this.#commands += 1;
    const id = `command-${this.#commands}` as CommandId;
    this.#driver.observe({ at: this.nowMs, peer: name, type: 'asked', id, command });
    this.#driver.input(this.#node(name), { type: 'command', id, command });
    return id;
  }

  /** The reply to a command, once there is one. */
  reply(key: string, withinMs = 20_000): Reply {
    this.until(`a reply to ${key}`, () => this.replies.has(key), withinMs);
    const reply = this.replies.get(key);
    if (reply === undefined) throw new Error(`no reply to ${key}`);
    return reply;
  }

  report(name: string, run: RunId, report: AgentReport): void {
    this.#driver.agentReport(this.#node(name), run, report);
  }

  input(name: string, input: Input): void {
    this.#driver.input(this.#node(name), input);
  }

  // ── time, and what can be seen ──────────────────────────────────────────────────────────────────────────────

  runFor(ms: number): void {
    this.queue.runUntil(this.nowMs + ms, () => false);
  }

  /** Runs until the condition holds. @throws when it does not within the virtual time given. */
  until(what: string | (() => string), condition: () => boolean, withinMs = 60_000): void {
    if (!this.queue.runUntil(this.nowMs + withinMs, condition))
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
  }

  task(name: string, id: TaskId): TaskView | null {
    return this.#node(name).core?.task(id) ?? null;
  }

  /** As this peer shows it, pruned or not; null where it knows nothing of the task. */
  phase(name: string, id: TaskId): Phase['name'] | null {
    return this.task(name, id)?.state.phase.name ?? this.tombstone(name, id)?.end.name ?? null;
  }

  tombstone(name: string, id: TaskId): Tombstone | null {
    return this.#node(name).core?.tombstone(id) ?? null;
  }

  rounds(name: string, key: TaskKey): readonly Round[] {
    return this.#node(name).core?.rounds(key) ?? [];
  }

  fate(name: string, id: TaskId): Fate | null {
    return this.#node(name).core?.fate(id) ?? null;
  }

  tasks(name: string): readonly TaskView[] {
    return this.#node(name).core?.tasks() ?? [];
  }

  peers(name: string): readonly string[] {
    const node = this.#node(name);
    return (node.core?.peers(this.#driver.now(node)) ?? []).map(({ advert }) => advert.name);
  }

  spend(name: string): SpendView {
    const node = this.#node(name);
    if (node.core === null) throw new Error(`${name} is down`);
    return node.core.spend(this.#driver.now(node));
  }

  /** What its core remembers, in entries, by part. */
  held(name: string): Readonly<Record<string, number>> {
    return this.#node(name).core?.held() ?? {};
  }

  running(name: string): readonly Job[] {
    return [...this.#node(name).agents.values()];
  }

  incarnation(name: string): number {
    return this.#node(name).incarnation;
  }

  wallMs(name: string): Now['wallMs'] {
    return this.#node(name).clock.wall(this.nowMs);
  }

  /** What would be found by a start on this peer's disk. */
  stored(name: string): ReturnType<DiskImage['load']>['stored'] {
    return this.#node(name).disk.load().stored;
  }

  hasCheckpoint(name: string, task: TaskId, blob: BlobId): boolean {
    return this.#node(name).checkpoints.has(task, blob);
  }

  /** As if its disk were full. */
  refuseCheckpoints(name: string): void {
    this.#node(name).checkpoints.isFull = true;
  }

  nameOf(peer: PeerId): string {
    return this.#driver.at(peer).name;
  }

  // ── small parts ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #others(node: Node): readonly PeerId[] {
    return this.#ids.filter((id) => id !== node.id);
  }

  #node(name: string): Node {
    return this.#driver.at(peerIdOf(name));
  }
}

export const peerIdOf = (name: string): PeerId => `peer${name.replaceAll(/[^1-9A-HJ-NP-Za-km-z]/g, 'x')}` as PeerId;
