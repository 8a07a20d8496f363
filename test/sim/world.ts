import { Core } from '../../src/peer/core/core.ts';
import type { Command, CoreConfig, Effect, Input, Reply, TaskView } from '../../src/peer/core/io.ts';
import type { AgentReport, Job } from '../../src/protocol/agent.ts';
import {
  type CommandId,
  type HostId,
  monoMs,
  type Now,
  type PeerId,
  type RunId,
  type TaskId,
  wallMs,
} from '../../src/protocol/ids.ts';
import { type Draft, openTask, promptKey, type Task } from '../../src/protocol/record.ts';
import { defaultTiming } from '../../src/protocol/timing.ts';
import { DiskImage } from './disk.ts';
import { VirtualNetwork } from './network.ts';
import { EventQueue } from './queue.ts';
import { seeded } from './random.ts';
import type { Outgoing, PeerSpec, Records, WorldOptions } from './records.ts';
import { draftOf, publishesAtOnce, quickAgent } from './script.ts';

interface Node {
  readonly id: PeerId;
  readonly spec: PeerSpec;
  readonly disk: DiskImage;
  incarnation: number;
  /** Null while the peer is down. */
  core: Core | null;
  /** Where this run's monotonic clock began: of no meaning to anybody else. */
  clockStart: number;
  paused: boolean;
  held: Input[];
  agents: Map<RunId, Job>;
}

const epoch = 1_750_000_000_000;
/** From `stop-agent` until nothing of the agent is left. */
const stopMs = 5;

/** Many cores in one process, on a virtual clock, network and disk. Nothing here waits for real time. */
export class World implements Records {
  readonly queue = new EventQueue();
  readonly replies: Records['replies'] = new Map();
  readonly events: Records['events'] = [];
  readonly started: Records['started'] = [];
  readonly stopped: Records['stopped'] = [];
  readonly ended: Records['ended'] = [];
  readonly published: Records['published'] = [];
  readonly sent: Records['sent'] = [];
  readonly contested: Records['contested'] = [];
  readonly names: readonly string[];
  readonly #nodes = new Map<PeerId, Node>();
  readonly #network: VirtualNetwork;
  readonly #random: () => number;
  readonly #options: WorldOptions;
  #commands = 0;

  constructor(specs: readonly PeerSpec[], options: WorldOptions = {}) {
    this.#random = seeded(options.seed ?? 1);
    this.#options = options;
    this.names = specs.map(({ name }) => name);
    for (const spec of specs) {
      const id = peerIdOf(spec.name);
      const fresh = { incarnation: 0, core: null, clockStart: 0, paused: false, held: [], agents: new Map() };
      this.#nodes.set(id, { id, spec, disk: new DiskImage(), ...fresh });
    }
    this.#network = new VirtualNetwork(this.queue, this.#random, {
      peers: [...this.#nodes.keys()],
      canGreet: (peer) => this.#at(peer).core !== null && !this.#at(peer).paused,
      onUp: (peer, neighbour) => {
        const hello = this.#at(neighbour).core?.hello();
        if (hello !== undefined) this.#input(this.#at(peer), { type: 'peer-up', peer: neighbour, hello });
      },
      onDown: (peer, neighbour) => this.#input(this.#at(peer), { type: 'peer-down', peer: neighbour }),
    });
    for (const { name, later } of specs) if (later !== true) this.start(name);
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  // ── what befalls peers ──────────────────────────────────────────────────────────────────────────────────────

  start(name: string): void {
    const node = this.#node(name);
    if (node.core !== null) throw new Error(`${name} runs already`);
    node.incarnation += 1;
    node.clockStart = this.nowMs - Math.floor(this.#random() * 1_000_000);
    const { stored, records } = node.disk.load();
    node.core = new Core(this.#config(node), stored, records.map(opened), this.#now(node));
    this.#perform(node, node.core.start(this.#now(node)));
    this.#network.connect(node.id);
  }

  /** `kill -9`: memory, agents and everything unsynced are gone; neighbours notice after the redial has been refused. */
  kill(name: string): void {
    const node = this.#node(name);
    for (const run of node.agents.keys()) this.ended.push({ at: this.nowMs, peer: name, run });
    node.core = null;
    node.agents.clear();
    node.disk.crash();
    node.paused = false;
    node.held = [];
    this.#network.sever(node.id);
  }

  /** The end of a process that has the time to send what it said, and to write down what it kept back. */
  exit(name: string): void {
    this.runFor(5);
    this.#node(name).disk.flush();
    this.kill(name);
  }

  /** `kill -STOP` and `-CONT`: the clock goes on and so do the agents, nothing is handled. */
  pause(name: string): void {
    this.#node(name).paused = true;
  }

  resume(name: string): void {
    const node = this.#node(name);
    node.paused = false;
    for (const input of node.held.splice(0)) this.#input(node, input);
    this.#network.connect(node.id);
  }

  /** Nothing passes between the two groups. */
  cut(some: readonly string[], others: readonly string[]): void {
    for (const a of some) for (const b of others) this.#network.cut(peerIdOf(a), peerIdOf(b));
  }

  heal(): void {
    this.#network.heal();
  }

  isUp(name: string): boolean {
    return this.#node(name).core !== null;
  }

  isPaused(name: string): boolean {
    return this.#node(name).paused;
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
    this.#input(this.#node(name), { type: 'command', id, command });
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
    this.#agentReport(this.#node(name), run, 0, report);
  }

  input(name: string, input: Input): void {
    this.#input(this.#node(name), input);
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

  tasks(name: string): readonly TaskView[] {
    return this.#node(name).core?.tasks() ?? [];
  }

  peers(name: string): readonly string[] {
    const node = this.#node(name);
    return (node.core?.peers(this.#now(node)) ?? []).map(({ advert }) => advert.name);
  }

  running(name: string): readonly Job[] {
    return [...this.#node(name).agents.values()];
  }

  capacity(name: string): number {
    return this.#node(name).spec.capacity ?? 1;
  }

  incarnation(name: string): number {
    return this.#node(name).incarnation;
  }

  /** What would be found by a start on this peer's disk. */
  stored(name: string): ReturnType<DiskImage['load']>['stored'] {
    return this.#node(name).disk.load().stored;
  }

  nameOf(peer: PeerId): string {
    return this.#at(peer).spec.name;
  }

  // ── the driver ──────────────────────────────────────────────────────────────────────────────────────────────

  #config({ spec, id, incarnation }: Node): CoreConfig {
    return {
      self: id,
      incarnation,
      role: 'peer',
      name: spec.name,
      host: `host-${spec.name}` as HostId,
      version: '0.0.0',
      specialties: spec.specialties ?? ['general'],
      capacity: spec.capacity ?? 1,
      executor: { name: 'script' },
      timing: { ...defaultTiming, ...this.#options.timing },
      addresses: () => [`/memory/${spec.name}`],
      sign: () => new Uint8Array(64),
      random: this.#random,
      aptitude: () => ({ noAccess: null, warm: false }),
    };
  }

  #input(node: Node, input: Input): void {
    if (node.core === null) return;
    if (node.paused) return void node.held.push(input);
    this.#perform(node, node.core.step(input, this.#now(node)));
    if (input.type === 'message' && input.message.type === 'accepted') this.#count(input.message.task);
  }

  /** I1, at true time: a belief begins with an elector's `accepted`. Those who stand still believe on. */
  #count(task: TaskId): void {
    const believers = [...this.#nodes.values()].filter((node) => node.core?.leads(task, this.#now(node)) === true);
    const leaders = believers.map(({ spec }) => spec.name);
    if (leaders.length > 1) this.contested.push({ at: this.nowMs, task, leaders });
  }

  #perform(node: Node, effects: readonly Effect[]): void {
    for (const effect of effects) this.#carryOut(node, effect);
  }

  #carryOut(node: Node, effect: Effect): void {
    const seen = { at: this.nowMs, peer: node.spec.name };
    switch (effect.type) {
      case 'persist':
        return node.disk.write(effect.record, effect.lazy);
      case 'send':
        return this.#send(node, effect.to, effect.message as Outgoing);
      case 'broadcast': {
        const { gossip } = effect;
        const received = gossip.type === 'task' ? { type: 'task' as const, task: opened(gossip.record) } : gossip;
        const input: Input = { type: 'gossip', from: node.id, gossip: received };
        return this.#network.gossip(node.id, (to) => this.#input(this.#at(to), input));
      }
      case 'set-timer':
        return this.#after(node, Math.ceil(Math.max(0, effect.afterMs)) / (node.spec.rate ?? 1), () =>
          this.#input(node, { type: 'timer', timer: effect.timer }),
        );
      case 'start-agent':
        node.agents.set(effect.job.run, effect.job);
        this.started.push({ ...seen, job: effect.job, running: node.agents.size });
        return this.#play(node, effect.job);
      case 'publish': {
        const { run, step, validMs } = effect;
        const job = node.agents.get(run);
        this.published.push({ ...seen, run, step, validMs });
        const outcome =
          job === undefined ? null : (this.#options.publish ?? publishesAtOnce)(job, step, node.spec.name);
        if (outcome !== null) this.#agentReport(node, run, ...outcome);
        return;
      }
      case 'stop-agent':
        this.stopped.push({ ...seen, run: effect.run, reason: effect.reason });
        return this.#agentReport(node, effect.run, stopMs, { type: 'stopped' });
      case 'reply':
        this.replies.set(effect.id, effect.reply);
        return;
      case 'emit':
        this.events.push({ ...seen, event: effect.event });
    }
  }

  #send(node: Node, to: PeerId, message: Outgoing): void {
    this.sent.push({ at: this.nowMs, from: node.spec.name, to: this.nameOf(to), message });
    const target = this.#at(to);
    const deliver = (): void => this.#input(target, { type: 'message', from: node.id, message: receivedOf(message) });
    if (target === node) this.#after(node, 0, deliver);
    else this.#network.send(node.id, to, deliver);
  }

  #play(node: Node, job: Job): void {
    let at = 0;
    for (const [afterMs, report] of (this.#options.agent ?? quickAgent)(job, node.spec.name)) {
      at += afterMs;
      this.#agentReport(node, job.run, at, report);
    }
  }

  #agentReport(node: Node, run: RunId, afterMs: number, report: AgentReport): void {
    this.#after(node, afterMs, () => {
      if (!node.agents.has(run)) return;
      if (report.type !== 'progress' && report.type !== 'ready') {
        node.agents.delete(run);
        this.ended.push({ at: this.nowMs, peer: node.spec.name, run });
      }
      this.#input(node, { type: 'agent', run, report });
    });
  }

  /** In this run of the peer, or never. */
  #after(node: Node, afterMs: number, action: () => void): void {
    const { incarnation } = node;
    this.queue.after(afterMs, () => {
      if (node.incarnation === incarnation && node.core !== null) action();
    });
  }

  #now({ clockStart, spec }: Node): Now {
    const rate = spec.rate ?? 1;
    return {
      monoMs: monoMs((this.nowMs - clockStart) * rate),
      wallMs: wallMs(epoch + Math.round(this.nowMs * rate)),
    };
  }

  #node(name: string): Node {
    return this.#at(peerIdOf(name));
  }

  #at(peer: PeerId): Node {
    const node = this.#nodes.get(peer);
    if (node === undefined) throw new Error(`no peer ${peer}`);
    return node;
  }
}

export const peerIdOf = (name: string): PeerId => `peer${name.replaceAll(/[^1-9A-HJ-NP-Za-km-z]/g, 'x')}` as PeerId;

const opened = (record: Task['signed']): Task => {
  const task = openTask(record, () => true);
  if ('invalid' in task) throw new Error(task.invalid);
  return task;
};

type Incoming = Extract<Input, { type: 'message' }>['message'];
const receivedOf = (message: Outgoing): Incoming =>
  message.type === 'task' ? { type: 'task', task: opened(message.record) } : message;
