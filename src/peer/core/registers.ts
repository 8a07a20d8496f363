import {
  type AcceptorState,
  newAcceptor,
  onAccept,
  onPrepare,
  onRelease,
  restartAcceptor,
} from '../../election/acceptor.ts';
import { compareVersions, type Version } from '../../protocol/ballot.ts';
import { compareGenerations, type Generation, generationOf, originId } from '../../protocol/generation.ts';
import type { GenerationId, Now, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { initialState, type TaskState } from '../../protocol/state.ts';
import { isAlive } from '../../protocol/summary.ts';
import type { Stored } from '../store/store.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Step } from './step.ts';

/** One generation's register, as one of its electors keeps it. */
export interface Register {
  readonly task: TaskId;
  readonly generation: Generation;
  /** M3: what it was installed with; the origin begins with nothing. */
  readonly initial: TaskState;
  acceptor: AcceptorState;
}

/** The newest value known for a register, whether or not it was ever committed. */
export interface Reading {
  readonly version: Version | null;
  readonly state: TaskState;
}

/**
 * This peer's registers, by task and generation: the elector's half of the election (A1 to A4).
 *
 * M3 An elector of a later generation has no register until it has durably installed the sealed value, and so answers
 *    nothing. Where a task is known to live in a later generation, an elector of an earlier one keeps its seal, votes
 *    no more, and answers with where the task has moved.
 */
export class Registers {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  /** The earliest generation first. */
  readonly #registers = new Map<TaskId, readonly Register[]>();

  constructor(config: CoreConfig, catalogue: Catalogue, stored: Pick<Stored, 'registers'>, now: Now) {
    this.#config = config;
    this.#catalogue = catalogue;
    for (const { task: id, register } of stored.registers) {
      const entry = catalogue.get(id);
      if (entry === undefined) continue;
      const initial = register.initial ?? initialState;
      const acceptor = restartAcceptor(register, now.monoMs, config.timing.electorLeaseMs);
      this.#add({ task: id, generation: generationOf(entry.task, initial), initial, acceptor });
    }
  }

  get held(): number {
    return [...this.#registers.values()].reduce((sum, { length }) => sum + length, 0);
  }

  tasks(): readonly TaskId[] {
    return [...this.#registers.keys()];
  }

  /** The one that counts: of the generation that is known to live, else the latest that this peer is an elector of. */
  current(task: TaskId): Register | undefined {
    const stamp = this.#catalogue.get(task)?.stamp ?? null;
    const living = stamp !== null && isAlive(stamp) ? this.at(task, stamp.generation.id) : undefined;
    return living ?? this.#registers.get(task)?.at(-1);
  }

  at(task: TaskId, generation: GenerationId): Register | undefined {
    return this.#registers.get(task)?.find((register) => register.generation.id === generation);
  }

  /** The register that the task's record names this peer for. True when it is new. */
  open(task: Task, step: Step): boolean {
    if (this.#registers.has(task.id) || !task.body.electorate.includes(this.#config.self)) return false;
    const generation = generationOf(task, initialState);
    this.#create({ task: task.id, generation, initial: initialState, acceptor: newAcceptor }, step);
    return true;
  }

  /** M3: durable before this elector answers anything in that generation. True when it is new. */
  install(task: Task, initial: TaskState, step: Step): boolean {
    const generation = generationOf(task, initial);
    if (this.at(task.id, generation.id) !== undefined) return false;
    this.#create({ task: task.id, generation, initial, acceptor: newAcceptor }, step);
    return true;
  }

  /** Forgets a task's registers, and says of which generations they were. */
  close(task: TaskId): readonly GenerationId[] {
    const generations = (this.#registers.get(task) ?? []).map(({ generation }) => generation.id);
    this.#registers.delete(task);
    return generations;
  }

  /**
   * The task lives elsewhere: in a later generation of this peer's own, or in one that is known to have had a leader.
   */
  isOver({ task, generation }: Register): boolean {
    if (this.current(task)?.generation.id !== generation.id) return true;
    const stamp = this.#catalogue.get(task)?.stamp ?? null;
    if (stamp === null || stamp.generation.id === generation.id) return false;
    return isAlive(stamp) && (stamp.ended > 0 || stamp.generation.number >= generation.number);
  }

  /** What this peer knows of the register's value: by its own vote, or by a leader's word. */
  read(register: Register): Reading {
    const { accepted } = register.acceptor;
    const voted: Reading =
      accepted === null
        ? { version: null, state: register.initial }
        : { version: accepted.valueVersion, state: accepted.value };
    const entry = this.#catalogue.get(register.task);
    const stamp = entry?.stamp ?? null;
    if (entry === undefined || stamp === null || stamp.generation.id !== register.generation.id) return voted;
    const isTold = voted.version === null || compareVersions(stamp.version, voted.version) > 0;
    return isTold ? { version: stamp.version, state: entry.state } : voted;
  }

  /** True when it was promised. */
  onPrepare(from: PeerId, message: MessageOf<'prepare'>, step: Step): boolean {
    const register = this.#asked(from, message, step);
    if (register === null) return false;
    const { state, reply, durable } = onPrepare(register.acceptor, message, step.monoMs);
    this.#become(register, state, durable, step);
    step.send(from, reply);
    return reply.type === 'promise';
  }

  /** True when a new version was stored. */
  onAccept(from: PeerId, message: MessageOf<'accept'>, step: Step): boolean {
    const register = this.#asked(from, message, step);
    if (register === null) return false;
    const { electorLeaseMs } = this.#config.timing;
    const { state, reply, durable } = onAccept(register.acceptor, message, step.monoMs, electorLeaseMs);
    this.#become(register, state, durable, step);
    step.send(from, reply);
    return durable;
  }

  onRelease({ task, generation, ballot }: MessageOf<'release'>): void {
    const register = this.at(task, generation);
    if (register !== undefined) register.acceptor = onRelease(register.acceptor, ballot);
  }

  /** Tells who asks in vain where the task lives now. */
  tellNews(to: PeerId, task: TaskId, step: Step): void {
    const summary = this.#catalogue.summaryOf(task);
    if (summary !== null) step.send(to, { type: 'summary', summary });
  }

  /** An elector that has missed its task, or its generation, asks for it; the sender tries again once it has it. */
  #asked(from: PeerId, message: MessageOf<'prepare' | 'accept'>, step: Step): Register | null {
    const { task, generation } = message;
    const register = this.at(task, generation);
    if (register !== undefined) {
      if (!this.isOver(register)) return register;
      this.tellNews(from, task, step);
    } else if (this.#catalogue.get(task) === undefined) {
      this.#catalogue.lack(from, task, step);
    } else if (generation !== originId) {
      step.send(from, { type: 'need-install', task, generation });
    }
    return null;
  }

  #create(register: Register, step: Step): void {
    this.#add(register);
    this.#persist(register, step);
  }

  #add(register: Register): void {
    const others = this.#registers.get(register.task) ?? [];
    const all = [...others, register].sort((a, b) => compareGenerations(a.generation, b.generation));
    this.#registers.set(register.task, all);
  }

  #become(register: Register, state: AcceptorState, durable: boolean, step: Step): void {
    register.acceptor = state;
    if (durable) this.#persist(register, step);
  }

  #persist({ task, generation, initial, acceptor: { promised, accepted } }: Register, step: Step): void {
    const stored = { initial: generation.id === originId ? null : initial, promised, accepted };
    step.persist({ kind: 'register', task, register: stored });
  }
}
