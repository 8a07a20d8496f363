import { Core } from '../../src/peer/core/core.ts';
import type { Command, CoreConfig, Effect, Input, PeerEvent, Reply, TaskView } from '../../src/peer/core/io.ts';
import type { AgentReport, Job } from '../../src/protocol/agent.ts';
import {
  byText,
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
import { defaultTiming, type Timing } from '../../src/protocol/timing.ts';
import { DiskImage } from './disk.ts';
import { EventQueue } from './queue.ts';
import { seeded } from './random.ts';

export interface PeerSpec {
  readonly name: string;
  readonly specialties?: readonly string[];
  readonly capacity?: number;
}

/** What an agent does with a job: reports, each so long after the one before. Null = it works for ever. */
export type AgentScript = (job: Job, peer: string) => readonly (readonly [afterMs: number, report: AgentReport])[];

export interface WorldOptions {
  readonly seed?: number;
  readonly timing?: Partial<Timing>;
  readonly agent?: AgentScript;
}

interface Node {
  readonly id: PeerId;
  readonly spec: PeerSpec;
  readonly disk: DiskImage;
  incarnation: number;
  /** Null while the peer is down. */
  core: Core | null;
  paused: boolean;
  held: Input[];
  agents: Map<RunId, Job>;
  links: Set<PeerId>;
}

const epoch = 1_750_000_000_000;
const latencyMs = 1;

/** Many cores in one process, on a virtual clock, network and disk. Nothing here waits for real time. */
export class World {
  readonly queue = new EventQueue();
  readonly replies = new Map<string, Reply>();
  readonly events: { readonly at: number; readonly peer: string; readonly event: PeerEvent }[] = [];
  readonly published: { readonly at: number; readonly peer: string; readonly run: RunId; readonly step: string }[] = [];
  readonly sent = new Map<string, number>();
  readonly #nodes = new Map<PeerId, Node>();
  readonly #random: () => number;
  readonly #timing: Timing;
  readonly #agent: AgentScript;
  readonly #cuts = new Set<string>();
  #commands = 0;

  constructor(specs: readonly PeerSpec[], options: WorldOptions = {}) {
    this.#random = seeded(options.seed ?? 1);
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#agent = options.agent ?? quickAgent;
    for (const spec of specs) {
      const id = peerIdOf(spec.name);
      this.#nodes.set(id, {
        id,
        spec,
        disk: new DiskImage(),
        incarnation: 0,
        core: null,
        paused: false,
        held: [],
        agents: new Map(),
        links: new Set(),
      });
    }
    for (const { name } of specs) this.start(name);
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  start(name: string): void {
    const node = this.#node(name);
    node.incarnation += 1;
    const { stored, records } = node.disk.load();
    const tasks = records.flatMap((record) => {
      const task = openTask(record, () => true);
      return 'invalid' in task ? [] : [task];
    });
    node.core = new Core(this.#config(node), stored, tasks, this.#now());
    this.#perform(node, node.core.start(this.#now()));
    for (const other of this.#others(node))
      if (other.core !== null && !this.#isCut(node.id, other.id)) this.#link(node, other);
  }

  /** `kill -9`: memory, agents and everything unsynced are gone; neighbours notice after the redial has been refused. */
  kill(name: string): void {
    const node = this.#node(name);
    node.core = null;
    node.agents.clear();
    for (const peer of node.links) {
      const other = this.#nodes.get(peer);
      if (other === undefined) continue;
      other.links.delete(node.id);
      this.queue.after(300, () => {
        if (!other.links.has(node.id)) this.#input(other, { type: 'peer-down', peer: node.id });
      });
    }
    node.links.clear();
  }

  /** `kill -STOP` and `-CONT`: the clock goes on, nothing is handled. */
  pause(name: string): void {
    this.#node(name).paused = true;
  }

  resume(name: string): void {
    const node = this.#node(name);
    node.paused = false;
    const held = node.held;
    node.held = [];
    for (const input of held) this.#input(node, input);
  }

  /** A silent cut: nothing passes, in either direction, and no connection closes. */
  cut(a: string, b: string): void {
    this.#cuts.add(pair(peerIdOf(a), peerIdOf(b)));
  }

  heal(): void {
    this.#cuts.clear();
    const nodes = [...this.#nodes.values()];
    for (const a of nodes) {
      for (const b of nodes)
        if (a.id < b.id && a.core !== null && b.core !== null && !a.links.has(b.id)) this.#link(a, b);
    }
  }

  submit(name: string, draft: Partial<Draft> = {}, again = false): string {
    return this.command(name, { type: 'submit', draft: draftOf(draft), again });
  }

  /** Gives a command and returns the key under which its reply will be found. */
  command(name: string, command: Command): string {
    this.#commands += 1;
    const id = `command-${this.#commands}` as CommandId;
    this.#input(this.#node(name), { type: 'command', id, command });
    return id;
  }

  runFor(ms: number): void {
    this.queue.runUntil(this.nowMs + ms, () => false);
  }

  /** Runs until the condition holds. @throws when it does not within the virtual time given. */
  until(what: string, condition: () => boolean, withinMs = 60_000): void {
    if (!this.queue.runUntil(this.nowMs + withinMs, condition)) throw new Error(`not within ${withinMs} ms: ${what}`);
  }

  task(name: string, id: TaskId): TaskView | null {
    return this.#node(name).core?.task(id) ?? null;
  }

  tasks(name: string): readonly TaskView[] {
    return this.#node(name).core?.tasks() ?? [];
  }

  peers(name: string): readonly string[] {
    return (this.#node(name).core?.peers(this.#now()) ?? []).map(({ advert }) => advert.name);
  }

  running(name: string): readonly Job[] {
    return [...this.#node(name).agents.values()];
  }

  nameOf(peer: PeerId | null): string | null {
    return peer === null ? null : (this.#nodes.get(peer)?.spec.name ?? null);
  }

  report(name: string, run: RunId, report: AgentReport): void {
    this.#input(this.#node(name), { type: 'agent', run, report });
  }

  input(name: string, input: Input): void {
    this.#input(this.#node(name), input);
  }

  #config(node: Node): CoreConfig {
    const { spec, id, incarnation } = node;
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
      timing: this.#timing,
      addresses: () => [`/memory/${spec.name}`],
      sign: () => new Uint8Array(64),
      random: this.#random,
      aptitude: () => ({ noAccess: null, warm: false }),
    };
  }

  #link(a: Node, b: Node): void {
    if (a.core === null || b.core === null) return;
    a.links.add(b.id);
    b.links.add(a.id);
    const helloA = a.core.hello();
    const helloB = b.core.hello();
    this.queue.after(latencyMs, () => this.#input(a, { type: 'peer-up', peer: b.id, hello: helloB }));
    this.queue.after(latencyMs, () => this.#input(b, { type: 'peer-up', peer: a.id, hello: helloA }));
  }

  #input(node: Node, input: Input): void {
    if (node.core === null) return;
    if (node.paused) {
      node.held.push(input);
      return;
    }
    this.#perform(node, node.core.step(input, this.#now()));
  }

  #perform(node: Node, effects: readonly Effect[]): void {
    for (const effect of effects) this.#carryOut(node, effect);
  }

  #carryOut(node: Node, effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        return node.disk.write(effect.record);
      case 'send':
        this.sent.set(effect.message.type, (this.sent.get(effect.message.type) ?? 0) + 1);
        return this.#deliver(node, effect.to, effect.message as Outgoing);
      case 'broadcast':
        for (const other of this.#others(node)) {
          if (this.#isCut(node.id, other.id)) continue;
          const { gossip } = effect;
          const received = gossip.type === 'task' ? { type: 'task' as const, task: opened(gossip.record) } : gossip;
          this.queue.after(this.#delay() * 4, () =>
            this.#input(other, { type: 'gossip', from: node.id, gossip: received }),
          );
        }
        return;
      case 'set-timer': {
        const { incarnation } = node;
        this.queue.after(effect.afterMs, () => {
          if (node.incarnation === incarnation) this.#input(node, { type: 'timer', timer: effect.timer });
        });
        return;
      }
      case 'start-agent':
        node.agents.set(effect.job.run, effect.job);
        return this.#play(node, effect.job);
      case 'publish':
        this.published.push({ at: this.nowMs, peer: node.spec.name, run: effect.run, step: effect.step });
        return this.#agentReport(node, effect.run, 5, {
          type: 'published',
          result: { branch: 'peer/x', commit: null, pullRequest: null },
          costUsd: null,
        });
      case 'stop-agent':
        return this.#agentReport(node, effect.run, 5, { type: 'stopped' });
      case 'reply':
        this.replies.set(effect.id, effect.reply);
        return;
      case 'emit':
        this.events.push({ at: this.nowMs, peer: node.spec.name, event: effect.event });
    }
  }

  #deliver(node: Node, to: PeerId, message: Parameters<typeof receivedOf>[0]): void {
    const target = this.#nodes.get(to);
    if (target === undefined || this.#isCut(node.id, to)) return;
    if (to !== node.id && !node.links.has(to)) return;
    const { incarnation } = target;
    this.queue.after(to === node.id ? 0 : this.#delay(), () => {
      if (target.incarnation === incarnation)
        this.#input(target, { type: 'message', from: node.id, message: receivedOf(message) });
    });
  }

  #play(node: Node, job: Job): void {
    let at = 0;
    for (const [afterMs, report] of this.#agent(job, node.spec.name)) {
      at += afterMs;
      this.#agentReport(node, job.run, at, report);
    }
  }

  #agentReport(node: Node, run: RunId, afterMs: number, report: AgentReport): void {
    const { incarnation } = node;
    this.queue.after(afterMs, () => {
      if (node.incarnation !== incarnation || !node.agents.has(run)) return;
      if (report.type !== 'progress' && report.type !== 'ready') node.agents.delete(run);
      this.#input(node, { type: 'agent', run, report });
    });
  }

  #delay(): number {
    return latencyMs * (0.5 + this.#random());
  }

  #now(): Now {
    return { monoMs: monoMs(this.nowMs), wallMs: wallMs(epoch + Math.round(this.nowMs)) };
  }

  #node(name: string): Node {
    const node = this.#nodes.get(peerIdOf(name));
    if (node === undefined) throw new Error(`no peer ${name}`);
    return node;
  }

  #others(node: Node): readonly Node[] {
    return [...this.#nodes.values()].filter((other) => other !== node);
  }

  #isCut(a: PeerId, b: PeerId): boolean {
    return this.#cuts.has(pair(a, b));
  }
}

/** Works for a second, then wants to push, and is done with the grant. */
export const quickAgent: AgentScript = () => [
  [500, { type: 'progress', text: 'half way', costUsd: null }],
  [500, { type: 'ready', step: 'push', commit: 'c'.repeat(40) as never, expectedTip: null }],
];

export const endlessAgent: AgentScript = () => [];

export const peerIdOf = (name: string): PeerId => `peer${name.replaceAll(/[^1-9A-HJ-NP-Za-km-z]/g, 'x')}` as PeerId;

let drafts = 0;
export function draftOf(fields: Partial<Draft> = {}): Draft {
  drafts += 1;
  return {
    key: promptKey(`${drafts}`),
    title: 'Fix the greeting',
    prompt: 'It says helo.',
    source: { type: 'prompt' },
    repository: { type: 'git', url: 'https://example.test/repo.git' },
    base: null,
    path: null,
    verify: null,
    requires: { specialties: [], explicit: false, reason: 'nothing is required' },
    priority: 'normal',
    limits: { wallMs: 3_600_000, idleMs: 600_000, budgetUsd: null },
    ...fields,
  };
}

const pair = (a: PeerId, b: PeerId): string => [a, b].sort(byText).join('|');

const opened = (record: Task['signed']): Task => {
  const task = openTask(record, () => true);
  if ('invalid' in task) throw new Error(task.invalid);
  return task;
};

type Outgoing = Exclude<Extract<Effect, { type: 'send' }>['message'], { type: 'log-query' | 'log-piece' }>;
type Incoming = Extract<Input, { type: 'message' }>['message'];
const receivedOf = (message: Outgoing): Incoming =>
  message.type === 'task' ? { type: 'task', task: opened(message.record) } : message;
