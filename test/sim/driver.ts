import { Core } from '../../src/peer/core/core.ts';
import type { CoreConfig, Effect, Input } from '../../src/peer/core/io.ts';
import type { AgentReport } from '../../src/protocol/agent.ts';
import { dayOf } from '../../src/protocol/days.ts';
import { type HostId, type Now, type PeerId, type RunId, type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import { isTerminal } from '../../src/protocol/state.ts';
import type { Timing } from '../../src/protocol/timing.ts';
import type { AgentHost, VirtualAgents } from './agents.ts';
import { type CopiesHost, VirtualCopies } from './copies.ts';
import type { NetworkHost, VirtualNetwork } from './network.ts';
import type { Node } from './node.ts';
import type { Observation, Observer, PeerChange } from './observation.ts';
import { opened, receivedOf } from './opened.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { Outgoing, Records } from './records.ts';
import type { Trace } from './trace.ts';
import type { TrafficCounter } from './traffic.ts';

const isOpen = (core: Core, task: TaskId): boolean => {
  const view = core.task(task);
  return view !== null && !isTerminal(view.state);
};

/** What a process says on its way out needs so long to leave. */
export const exitMs = 5;

export interface DriverParts {
  readonly queue: EventQueue;
  /** A stream of chance for each purpose. */
  readonly random: (purpose: string) => Random;
  readonly nodes: ReadonlyMap<PeerId, Node>;
  readonly network: (host: NetworkHost) => VirtualNetwork;
  readonly agents: VirtualAgents;
  /** Of crashes, that take the checkpoints on the disk with them. */
  readonly lostCheckpoints: number;
  readonly timing: Timing;
  readonly traffic: TrafficCounter;
  readonly records: Records | null;
  readonly observer: Observer | null;
  readonly trace: Trace | null;
}

/** Carries out what the cores ask for: the virtual counterpart of the live peer's driver, for all peers at once. */
export class Driver {
  readonly network: VirtualNetwork;
  readonly #parts: DriverParts;
  readonly #nodes: readonly Node[];
  readonly #boots: Random;
  readonly #copies: VirtualCopies;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#boots = parts.random('boots');
    this.#nodes = [...parts.nodes.values()];
    this.network = parts.network({
      peers: [...parts.nodes.keys()],
      canGreet: (peer) => this.at(peer).isRunning,
      onUp: (peer, neighbour) => {
        const hello = this.at(neighbour).core?.hello();
        if (hello !== undefined) this.input(this.at(peer), { type: 'peer-up', peer: neighbour, hello });
      },
      onDown: (peer, neighbour) => this.input(this.at(peer), { type: 'peer-down', peer: neighbour }),
    });
    this.#copies = new VirtualCopies(this, parts.random('copies'), parts.lostCheckpoints);
  }

  at(peer: PeerId): Node {
    const node = this.#parts.nodes.get(peer);
    if (node === undefined) throw new Error(`no peer ${peer}`);
    return node;
  }

  start(node: Node): void {
    if (node.core !== null) throw new Error(`${node.name} runs already`);
    node.incarnation += 1;
    node.clock.boot(this.nowMs, Math.floor(this.#boots.next() * 1_000_000));
    const { stored, records } = node.disk.load();
    const leases = stored.registers.filter(({ task }) => this.#leaders(task).length > 0).length;
    const core = new Core(this.#config(node), stored, records.map(opened), this.now(node));
    node.boot(core);
    node.checkpoints.sweep((task) => isOpen(core, task));
    this.changed(node, 'started', leases);
    this.#perform(node, core.start(this.now(node)));
    this.network.connect(node.id);
  }

  input(node: Node, input: Input): void {
    if (node.core === null) return;
    if (node.standing !== 'running') return node.hold(() => this.input(node, input));
    const now = this.now(node);
    const lostMs = node.lostMs(now);
    if (lostMs > 0) this.#step(node, { type: 'woke', lostMs }, now);
    this.#step(node, input, now);
  }

  /** The process has time to write down what it kept back. */
  exit(node: Node): void {
    node.disk.flush();
    this.end(node, 'left');
  }

  end(node: Node, change: 'crashed' | 'left'): void {
    for (const run of node.agents.keys()) this.#noteEnded(node, run, 'killed');
    if (change === 'crashed') this.#copies.crashed(node);
    this.#parts.agents.killed(node.name);
    node.die();
    this.endSleepCut(node);
    this.changed(node, change);
    this.network.sever(node.id);
  }

  endSleepCut(node: Node): void {
    if (node.sleepCut !== null) this.network.heal(node.sleepCut);
    node.sleepCut = null;
  }

  agentReport(node: Node, run: RunId, report: AgentReport): void {
    if (!node.agents.has(run)) return;
    if (report.type === 'ready') {
      this.observe({ at: this.nowMs, peer: node.name, type: 'wants-grant', run, step: report.step });
    } else if (report.type === 'checkpoint') {
      this.#copies.keep(node, taskOfRun(run), report.checkpoint.blob);
    } else if (report.type !== 'progress') {
      node.agents.delete(run);
      this.#noteEnded(node, run, report.type);
    }
    this.input(node, { type: 'agent', run, report });
  }

  replicated(...[node, run, blob, holders, isLast]: Parameters<CopiesHost['replicated']>): void {
    this.input(node, { type: 'replicated', run, blob, holders, isLast });
  }

  changed({ name }: Node, change: PeerChange, leases = 0): void {
    this.observe({ at: this.nowMs, peer: name, type: 'peer', change, leases });
  }

  observe(observation: Observation): void {
    this.#parts.records?.observed.push(observation);
    this.#parts.observer?.see(observation);
  }

  now(node: Node): Now {
    return node.clock.read(this.nowMs);
  }

  /** The leases that it holds at this moment. */
  leasesOf(node: Node): number {
    const { core } = node;
    const now = this.now(node);
    return core === null ? 0 : core.tasks().filter(({ task }) => core.leads(task.id, now)).length;
  }

  get nowMs(): number {
    return this.#parts.queue.nowMs;
  }

  #config({ spec, id, incarnation }: Node): CoreConfig {
    const { timing, random, agents } = this.#parts;
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
      budgets: { dailyUsd: spec.dailyUsd ?? null, meshDailyUsd: spec.meshDailyUsd ?? null },
      timing,
      addresses: () => [`/memory/${spec.name}`],
      sign: () => new Uint8Array(64),
      random: random(`core ${spec.name} ${incarnation}`).next,
      aptitude: (repository) => agents.aptitude(spec.name, repository),
    };
  }

  #step(node: Node, input: Input, now: Now): void {
    if (node.core === null) return;
    this.#parts.trace?.event(this.nowMs, node.name, input);
    if (input.type === 'agent') {
      const { run, report } = input;
      this.observe({ at: this.nowMs, peer: node.name, type: 'told', run, report, ...this.#meansOf(node) });
    }
    this.#perform(node, node.core.step(input, now));
    if (input.type === 'message' && input.message.type === 'accepted') this.#noteBelief(node, input.message.task);
  }

  /** I1, at true time: a belief begins with an elector's `accepted`. Those who stand still believe on. */
  #noteBelief(node: Node, task: TaskId): void {
    if (node.core?.leads(task, this.now(node)) !== true) return;
    this.observe({ at: this.nowMs, peer: node.name, type: 'leads', task, leaders: this.#leaders(task) });
  }

  #leaders(task: TaskId): readonly string[] {
    return this.#nodes.filter((node) => node.core?.leads(task, this.now(node)) === true).map(({ name }) => name);
  }

  #perform(node: Node, effects: readonly Effect[]): void {
    if (node.doom === null || effects.length === 0) {
      for (const effect of effects) this.#carryOut(node, effect);
      return;
    }
    const done = Math.floor(node.doom * (effects.length + 1));
    for (const effect of effects.slice(0, done)) this.#carryOut(node, effect);
    this.end(node, 'crashed');
  }

  #carryOut(node: Node, effect: Effect): void {
    const { records, agents } = this.#parts;
    const seen = { at: this.nowMs, peer: node.name };
    switch (effect.type) {
      case 'persist':
        return this.#persist(node, effect);
      case 'send':
        return this.#send(node, effect.to, effect.message as Outgoing);
      case 'broadcast':
        return this.#broadcast(node, effect.gossip);
      case 'set-timer':
        return this.after(node, Math.ceil(Math.max(0, effect.afterMs)), () =>
          this.input(node, { type: 'timer', timer: effect.timer }),
        );
      case 'start-agent': {
        const { job } = effect;
        node.agents.set(job.run, job);
        const running = node.agents.size;
        records?.started.push({ ...seen, job, running });
        const capacity = node.spec.capacity ?? 1;
        this.observe({ ...seen, type: 'agent-started', job, running, capacity, ...this.#meansOf(node) });
        return agents.start(this.#agentHost(node), job);
      }
      case 'publish': {
        const { run, step, validMs } = effect;
        const job = node.agents.get(run);
        records?.published.push({ ...seen, run, step, validMs });
        this.observe({ ...seen, type: 'granted', run, step, untilMs: this.nowMs + validMs / node.clock.rate });
        if (job !== undefined) agents.publish(this.#agentHost(node), job, step, validMs);
        return;
      }
      case 'stop-agent': {
        const { run, reason } = effect;
        const job = node.agents.get(run);
        records?.stopped.push({ ...seen, run, reason });
        this.observe({ ...seen, type: 'agent-stopped', run, reason });
        if (job !== undefined) agents.stop(this.#agentHost(node), job, reason);
        return;
      }
      case 'replicate':
        return this.#copies.replicate(node, effect);
      case 'forget-checkpoints':
        return node.checkpoints.forget(effect.task);
      case 'reply':
        records?.replies.set(effect.id, effect.reply);
        this.observe({ ...seen, type: 'replied', id: effect.id, reply: effect.reply });
        if (node.leaving && effect.reply.type === 'drained') this.after(node, exitMs, () => this.exit(node));
        return;
      case 'emit': {
        const { event } = effect;
        records?.events.push({ ...seen, event });
        if (event.type === 'lease' || event.type === 'generation' || event.type === 'fork-met')
          this.observe({ ...seen, ...event });
      }
    }
  }

  #persist(node: Node, { record, lazy }: Extract<Effect, { type: 'persist' }>): void {
    const seen = { at: this.nowMs, peer: node.name };
    node.disk.write(record, lazy);
    if (record.kind === 'register')
      this.observe({ ...seen, type: 'register', task: record.task, register: record.register });
    if (record.kind === 'spend' && !lazy) this.observe({ ...seen, type: 'counted', day: record.day, usd: record.usd });
    if (record.kind === 'quota' && record.quota !== null)
      this.observe({ ...seen, type: 'limited', untilMs: record.quota.until });
    if (record.kind === 'task') this.observe({ ...seen, type: 'record', task: opened(record.record) });
    if (record.kind === 'knowledge' && isTerminal(record.knowledge.state))
      this.observe({ ...seen, type: 'told-end', task: record.task, state: record.knowledge.state });
    if (record.kind === 'tombstone') this.observe({ ...seen, type: 'buried', tombstone: record.tombstone });
  }

  #send(node: Node, to: PeerId, message: Outgoing): void {
    const target = this.at(to);
    this.#parts.records?.sent.push({ at: this.nowMs, from: node.name, to: target.name, message });
    const deliver = (): void => this.input(target, { type: 'message', from: node.id, message: receivedOf(message) });
    if (target === node) return this.after(node, 0, deliver);
    this.#parts.traffic.direct(node.name, message);
    this.network.send(node.id, to, deliver);
  }

  #broadcast(node: Node, gossip: Extract<Effect, { type: 'broadcast' }>['gossip']): void {
    const received = gossip.type === 'task' ? { type: 'task' as const, task: opened(gossip.record) } : gossip;
    const input: Input = { type: 'gossip', from: node.id, gossip: received };
    this.network.gossip(
      node.id,
      (by) => this.#parts.traffic.gossip(this.at(by).name, gossip),
      (to) => this.input(this.at(to), input),
    );
  }

  #agentHost(node: Node): AgentHost {
    return {
      peer: node.name,
      clocks: () => this.now(node),
      isAsleep: () => node.standing === 'asleep',
      after: (ms, action) => this.after(node, ms, action),
      fetch: (wanted, resume) => this.#copies.fetch(node, wanted, resume),
      spent: (run, usd) =>
        this.observe({ at: this.nowMs, peer: node.name, type: 'spent', run, usd, ...this.#meansOf(node) }),
      wentOn: (run, blob) => this.observe({ at: this.nowMs, peer: node.name, type: 'went-on', run, blob }),
      report: (run, report) => this.agentReport(node, run, report),
    };
  }

  #meansOf(node: Node) {
    const { wallMs } = this.now(node);
    return { wallMs, day: dayOf(wallMs, this.#parts.timing.budgetDayMs), dailyUsd: node.spec.dailyUsd ?? null };
  }

  #noteEnded(node: Node, run: RunId, how: string): void {
    const seen = { at: this.nowMs, peer: node.name };
    this.#parts.records?.ended.push({ ...seen, run });
    this.observe({ ...seen, type: 'agent-ended', run, how });
  }

  /** So long by the node's own monotonic clock, in this run of its peer or never; not while the process is stopped. */
  after(node: Node, afterMs: number, action: () => void): void {
    const { incarnation, clock } = node;
    const arm = (delayMs: number): void => {
      const sleptMs = clock.sleptMs(this.nowMs);
      this.#parts.queue.after(delayMs, () => {
        if (node.incarnation !== incarnation || node.core === null) return;
        const leftMs = clock.sleptMs(this.nowMs) - sleptMs;
        const due = leftMs > 0 ? () => arm(leftMs) : action;
        if (node.standing === 'running') due();
        else node.hold(due);
      });
    };
    arm(afterMs / clock.rate);
  }
}
