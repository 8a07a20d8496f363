import type { Generation } from '../../protocol/generation.ts';
import type { GenerationId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal, type TaskState } from '../../protocol/state.ts';
import { initialVersion, type Summary } from '../../protocol/summary.ts';
import type { Parts } from './parts.ts';
import type { Step } from './step.ts';
import { announce } from './teller.ts';

/** Whoever is installed gets the record at once, so that these are few. */
const mostWanted = 1_000;

interface Move {
  readonly task: Task;
  readonly generation: Generation;
  /** What the next generation's electors begin with. */
  readonly initial: TaskState;
  readonly missing: Set<PeerId>;
}

/**
 * Brings a task into its next generation, once the seal of the last is known to be committed (M2), or was forced:
 * installs its electors, and tells everybody where the task lives from now on.
 */
export class Moves {
  readonly #parts: Parts;
  readonly #moves = new Map<TaskId, Move>();
  /** Tasks that this peer was to be installed for, and does not know. */
  readonly #wanted = new Set<TaskId>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get held(): number {
    return this.#moves.size + this.#wanted.size;
  }

  /** M2 holds for `initial`: nobody but a committed seal, or a person, brings it here. */
  begin(task: Task, generation: Generation, initial: TaskState, why: string, step: Step): void {
    const move: Move = { task, generation, initial, missing: new Set(generation.electorate) };
    this.#moves.set(task.id, move);
    const names = generation.electorate.map((peer) => this.#parts.membership.nameOf(peer)).join(', ');
    const story = [{ at: step.wallMs, by: this.#parts.config.self, event: 'moved', detail: `to ${names}: ${why}` }];
    const summary = { ...summaryOf(task.id, generation, initial), story };
    this.#parts.catalogue.learn(summary, step);
    announce(this.#parts.membership, summary, generation.electorate, step);
    this.#send(move, step);
  }

  onNeedInstall(from: PeerId, { task, generation }: MessageOf<'need-install'>, step: Step): void {
    const register = this.#parts.registers.at(task, generation);
    if (register === undefined || register.initial.generation === null) return;
    step.send(from, { type: 'install', task, state: register.initial });
  }

  /** M3. True when this elector has its seat in that generation only now. */
  onInstall(from: PeerId, message: MessageOf<'install'>, step: Step): boolean {
    const { generation } = message.state;
    if (generation === null || !generation.electorate.includes(this.#parts.config.self)) return false;
    const entry = this.#parts.catalogue.get(message.task);
    if (entry === undefined) {
      if (this.#wanted.size >= mostWanted) this.#wanted.clear();
      this.#wanted.add(message.task);
      this.#parts.catalogue.lack(from, message.task, step);
      return false;
    }
    this.#wanted.delete(message.task);
    const isNew = this.#parts.registers.install(entry.task, message.state, step);
    if (isNew) {
      this.#parts.catalogue.learn(summaryOf(message.task, generation, message.state), step);
      step.emit({ type: 'generation', task: message.task, generation });
    }
    step.send(from, { type: 'installed', task: message.task, generation: generation.id });
    return isNew;
  }

  /** Its record is taken in however old it is: a majority has brought the task as far as here. */
  wants(task: TaskId): boolean {
    return this.#wanted.has(task);
  }

  onInstalled(from: PeerId, { task, generation }: MessageOf<'installed'>): void {
    const move = this.#moves.get(task);
    if (move?.generation.id !== generation) return;
    move.missing.delete(from);
    if (move.missing.size === 0) this.#moves.delete(task);
  }

  /** An elector has got the record that it had missed. */
  onElectorReady(task: TaskId, elector: PeerId, step: Step): void {
    const move = this.#moves.get(task);
    if (move?.missing.has(elector)) step.send(elector, { type: 'install', task, state: move.initial });
  }

  /** Once more to those that have not answered, until the task has moved further. */
  onTimer(task: TaskId, generation: GenerationId, step: Step): void {
    const move = this.#moves.get(task);
    if (move?.generation.id !== generation) return;
    const entry = this.#parts.catalogue.get(task);
    const isOver =
      entry === undefined || isTerminal(entry.state) || (entry.state.generation?.number ?? 0) > move.generation.number;
    if (isOver) this.#moves.delete(task);
    else this.#send(move, step);
  }

  #send({ task, generation, initial, missing }: Move, step: Step): void {
    step.sendAll([...missing], { type: 'install', task: task.id, state: initial });
    step.setTimer({ type: 'install', task: task.id, generation: generation.id }, this.#parts.config.timing.resendMs);
  }
}

const summaryOf = (task: TaskId, generation: Generation, state: TaskState): Summary => ({
  task,
  version: initialVersion(generation),
  state,
  leader: null,
  stalled: null,
  answers: [],
  story: [],
});
