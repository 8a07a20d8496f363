import type { AgentRunner, LogPiece, LogQuery } from '../protocol/agent.ts';
import { decodeFrame, decodeGossip, decodeHello, encodeGossip, encodeHello } from '../protocol/codec.ts';
import type { Hello } from '../protocol/hello.ts';
import {
  type CommandId,
  monoMs,
  type Now,
  type PeerId,
  type TaskId,
  type TaskKey,
  taskOfRun,
  wallMs,
} from '../protocol/ids.ts';
import type { Message } from '../protocol/messages.ts';
import { openTask, type SignedRecord, type Task, taskIdOf, type Verify } from '../protocol/record.ts';
import type { Tombstone } from '../protocol/tombstone.ts';
import type { Copies } from './checkpoints/copies.ts';
import type { Core } from './core/core.ts';
import type { Command, Effect, Input, PeerEvent, PeerView, Received, Reply, SpendView, TaskView } from './core/io.ts';
import type { Round } from './core/rounds.ts';
import { LogQueries, type ReadLog } from './log-queries.ts';
import { Mailbox } from './mailbox.ts';
import type { Network, NetworkHandler, Topic } from './network/network.ts';
import { Outbox } from './outbox.ts';
import type { PeerService } from './service.ts';
import type { Store } from './store/store.ts';

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  facts: Readonly<Record<string, unknown>>,
) => void;

export interface DriverParts {
  readonly core: Core;
  readonly name: string;
  readonly mesh: string;
  readonly network: Network;
  readonly store: Store;
  readonly agents: AgentRunner & { close(): Promise<void> };
  readonly verify: Verify;
  readonly readLog: ReadLog;
  readonly copies: Copies;
  readonly log: Log;
  /** The process cannot go on: the disk refused, or a bug was met. */
  readonly onFatal: (error: unknown) => void;
}

/** Both clocks, read together; the monotonic one says nothing about any other process. */
export const readClocks = (): Now => ({ monoMs: monoMs(performance.now()), wallMs: wallMs(Date.now()) });

/** Refusals shown in `status`; the oldest are forgotten first. */
const maxRefused = 32;
/** Greetings of links that are being made, and of those that came to nothing. */
const maxHellos = 1_024;

/**
 * A live peer: turns what the network, the agents, the clock and people bring into inputs for the core, and carries out
 * the effects. It decides nothing.
 */
export class Driver implements PeerService {
  readonly startedAt = new Date();
  readonly #parts: DriverParts;
  readonly #mailbox: Mailbox;
  readonly #outbox = new Outbox();
  readonly #logs: LogQueries;
  readonly #hellos = new Map<PeerId, Hello>();
  readonly #refused = new Map<PeerId, string>();
  readonly #replies = new Map<CommandId, (reply: Reply) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #listeners = new Set<(event: PeerEvent) => void>();
  #commands = 0;
  #stopping: Promise<void> | null = null;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#mailbox = new Mailbox({
      core: parts.core,
      store: parts.store,
      now: readClocks,
      perform: (deeds) => this.#perform(deeds),
      onFatal: parts.onFatal,
    });
    this.#logs = new LogQueries(parts.readLog, (to, message) => this.#sendNow(to, message));
  }

  async start(): Promise<void> {
    const { core, network } = this.#parts;
    await network.start(this.#networkHandler());
    await this.#mailbox.perform(core.start(readClocks()));
  }

  get self(): PeerId {
    return this.#parts.network.self;
  }

  get name(): string {
    return this.#parts.name;
  }

  get mesh(): string {
    return this.#parts.mesh;
  }

  addresses(): readonly string[] {
    return this.#parts.network.addresses();
  }

  peers(): readonly PeerView[] {
    return this.#parts.core.peers(readClocks());
  }

  spend(): SpendView {
    return this.#parts.core.spend(readClocks());
  }

  refused(): readonly { readonly peer: PeerId; readonly reason: string }[] {
    return [...this.#refused].map(([peer, reason]) => ({ peer, reason }));
  }

  names(): readonly (readonly [PeerId, string])[] {
    return this.#parts.core.names();
  }

  tasks(): readonly TaskView[] {
    return this.#parts.core.tasks();
  }

  task(id: TaskId): TaskView | null {
    return this.#parts.core.task(id);
  }

  tombstone(id: TaskId): Tombstone | null {
    return this.#parts.core.tombstone(id);
  }

  tombstones(): readonly Tombstone[] {
    return this.#parts.core.tombstones();
  }

  rounds(key: TaskKey): readonly Round[] {
    return this.#parts.core.rounds(key);
  }

  command(command: Command): Promise<Reply> {
    this.#commands += 1;
    const id = `${this.#commands}` as CommandId;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#replies.set(id, resolve);
    this.#mailbox.put({ type: 'command', id, command });
    return promise;
  }

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async log(query: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    const view = this.task(query.task);
    if (view === null) {
      const isPruned = this.tombstone(query.task) !== null;
      return { unavailable: isPruned ? 'it ended too long ago' : 'no such task is known here' };
    }
    const attempt = view.state.attempts.find(({ number }) => number === (query.attempt ?? view.state.attemptsStarted));
    if (attempt === undefined)
      return { unavailable: query.attempt === null ? 'no attempt has started' : 'no such attempt' };
    const exact = { ...query, attempt: attempt.number };
    const piece = await (attempt.worker === this.self
      ? this.#logs.readHere(exact)
      : this.#logs.readThere(attempt.worker, exact));
    return 'unavailable' in piece ? piece : { ...piece, end: piece.end && attempt.endedAt !== null };
  }

  traffic(): { readonly sentBytes: number; readonly receivedBytes: number } {
    return this.#parts.network.traffic();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.command({ type: 'drain' });
    await this.#mailbox.close();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#parts.agents.close();
    await this.#parts.network.stop();
    await this.#parts.store.close();
  }

  #networkHandler(): NetworkHandler {
    return {
      hello: () => encodeHello(this.#parts.core.hello()),
      acceptHello: (from, bytes) => this.#acceptHello(from, bytes),
      onUp: (peer, { addresses }) => {
        const hello = this.#hellos.get(peer);
        if (hello === undefined) return;
        this.#parts.network.addPeer(peer, [...new Set([...hello.advert.addresses, ...addresses])]);
        this.#mailbox.put({ type: 'peer-up', peer, hello });
      },
      onDown: (peer) => {
        this.#hellos.delete(peer);
        this.#mailbox.put({ type: 'peer-down', peer });
      },
      onPut: (_from, name, chunks) => this.#parts.copies.onPut(name, chunks),
      onGet: (_from, name) => this.#parts.copies.onGet(name),
      onFrame: (from, frame) => this.#onFrame(from, frame),
      onGossip: (from, topic, data) => this.#onGossip(from, topic, data),
    };
  }

  #acceptHello(from: PeerId, bytes: Uint8Array): string | null {
    const decoded = decodeHello(bytes);
    const reason = !decoded.ok ? decoded.reason : decoded.value.advert.peer !== from ? 'speaks for another peer' : null;
    if (decoded.ok && reason === null) {
      keepNewest(this.#hellos, from, decoded.value, maxHellos);
      this.#refused.delete(from);
      return null;
    }
    keepNewest(this.#refused, from, reason ?? '', maxRefused);
    this.#parts.log('warn', 'peer-refused', { peer: from, reason });
    return reason;
  }

  #onFrame(from: PeerId, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (!frame.ok) return this.#parts.log('warn', 'bad-frame', { peer: from, reason: frame.reason });
    for (const reason of frame.value.rejected) this.#parts.log('debug', 'bad-message', { peer: from, reason });
    for (const message of frame.value.messages) this.#onMessage(from, message);
  }

  #onMessage(from: PeerId, message: Message): void {
    if (message.type === 'log-query') {
      void this.#logs.answer(from, message);
    } else if (message.type === 'log-piece') {
      this.#logs.onPiece(message);
    } else {
      const received = this.#opened(from, message);
      if (received !== null) this.#mailbox.put({ type: 'message', from, message: received });
    }
  }

  #onGossip(from: PeerId, topic: Topic, data: Uint8Array): void {
    const decoded = decodeGossip(data);
    if (!decoded.ok) return this.#parts.log('debug', 'bad-gossip', { peer: from, topic, reason: decoded.reason });
    const gossip = decoded.value;
    if (gossip.type === 'task') {
      const task = this.#open(from, gossip.record);
      if (task !== null) this.#mailbox.put({ type: 'gossip', from, gossip: { type: 'task', task } });
      return;
    }
    if (gossip.type === 'advert') this.#parts.network.addPeer(gossip.advert.peer, gossip.advert.addresses);
    this.#mailbox.put({ type: 'gossip', from, gossip });
  }

  #opened(from: PeerId, message: Exclude<Message, { type: 'log-query' | 'log-piece' }>): Received | null {
    if (message.type !== 'task') return message;
    const task = this.#open(from, message.record);
    return task && { type: 'task', task };
  }

  /** A record that is known already needs no second check: its id is the hash of its bytes. */
  #open(from: PeerId, record: SignedRecord): Task | null {
    const known = this.task(taskIdOf(record.bytes));
    if (known !== null) return known.task;
    const task = openTask(record, this.#parts.verify);
    if (!('invalid' in task)) return task;
    this.#parts.log('warn', 'bad-record', { peer: from, reason: task.invalid });
    return null;
  }

  #perform(effects: readonly Exclude<Effect, { type: 'persist' }>[]): void {
    for (const effect of effects) this.#carryOut(effect);
    this.#outbox.flush((to, frame) => this.#parts.network.send(to, frame));
  }

  #carryOut(effect: Exclude<Effect, { type: 'persist' }>): void {
    const { agents, network } = this.#parts;
    switch (effect.type) {
      case 'send':
        return this.#sendNow(effect.to, effect.message, this.#outbox);
      case 'broadcast':
        return network.broadcast(topicOf(effect.gossip.type), encodeGossip(effect.gossip));
      case 'set-timer':
        return this.#setTimer({ type: 'timer', timer: effect.timer }, effect.afterMs);
      case 'start-agent': {
        const { run } = effect.job;
        return agents.start(effect.job, (report) => this.#mailbox.put({ type: 'agent', run, report }));
      }
      case 'publish':
        return agents.publish(effect.run, effect.step, effect.validMs);
      case 'stop-agent':
        return agents.stop(effect.run, effect.reason);
      case 'replicate':
        return this.#replicate(effect);
      case 'forget-checkpoints':
        agents.ended(effect.task);
        return void this.#parts.copies.forget(effect.task);
      case 'reply':
        this.#replies.get(effect.id)?.(effect.reply);
        this.#replies.delete(effect.id);
        return;
      case 'emit':
        return this.#emit(effect.event);
    }
  }

  /** What this peer says to itself takes the same way back in, after all that was persisted before it. */
  #sendNow(to: PeerId, message: Message, outbox?: Outbox): void {
    if (to === this.self) return this.#onMessage(to, message);
    const box = outbox ?? new Outbox();
    box.add(to, message);
    if (outbox === undefined) box.flush((peer, frame) => this.#parts.network.send(peer, frame));
  }

  #replicate({ run, blob, to }: Extract<Effect, { type: 'replicate' }>): void {
    const task = taskOfRun(run);
    void this.#parts.copies.replicate(task, blob, to, (holders, isLast) =>
      this.#mailbox.put({ type: 'replicated', run, blob, holders, isLast }),
    );
  }

  #setTimer(input: Input, afterMs: number): void {
    if (afterMs <= 0) return this.#mailbox.put(input);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#mailbox.put(input);
    }, Math.ceil(afterMs));
    this.#timers.add(timer);
  }

  #emit(event: PeerEvent): void {
    if (event.type !== 'task') this.#parts.log(this.#levelOf(event), event.type, event);
    for (const listener of this.#listeners) listener(event);
  }

  #levelOf(event: PeerEvent): 'debug' | 'info' | 'warn' {
    switch (event.type) {
      case 'story':
        // What others tell of the time before this start happened long ago to whoever reads along.
        return event.story.at >= this.startedAt.getTime() ? 'info' : 'debug';
      case 'lease':
        return 'debug';
      case 'never-begun':
        return 'warn';
      default:
        return 'info';
    }
  }
}

function keepNewest<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of [...map.keys()].slice(0, -most)) map.delete(oldest);
}

const topicOf = (type: 'task' | 'advert' | 'summary' | 'progress'): Topic =>
  type === 'task' ? 'tasks' : type === 'advert' ? 'adverts' : 'summaries';
