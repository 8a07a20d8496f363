import type { Generation } from '../../protocol/generation.ts';
import type { CommandId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import { isTerminal, succeed } from '../../protocol/state.ts';
import { Adoption } from './adoption.ts';
import { Moves } from './moves.ts';
import type { Parts } from './parts.ts';
import type { Register } from './registers.ts';
import type { Requests } from './requests.ts';
import type { Seats } from './seats.ts';
import type { Step } from './step.ts';

type GenerationMessage = MessageOf<'need-install' | 'install' | 'installed' | 'read' | 'read-answer' | 'leaving'>;

/**
 * The tasks' electorates over time: moved by their leaders as PCs come and go, taken over by the survivor of two,
 * adopted by a person.
 */
export class Generations {
  readonly #parts: Parts;
  readonly #seats: Seats;
  readonly #adoption: Adoption;
  readonly moves: Moves;

  constructor(parts: Parts, seats: Seats, requests: Requests) {
    this.#parts = parts;
    this.#seats = seats;
    this.moves = new Moves(parts);
    this.#adoption = new Adoption(parts, this.moves, requests);
  }

  get held(): number {
    return this.moves.held + this.#adoption.held;
  }

  onMessage(from: PeerId, message: GenerationMessage, step: Step): void {
    switch (message.type) {
      case 'need-install':
        return this.moves.onNeedInstall(from, message, step);
      case 'install':
        return this.#onInstall(from, message, step);
      case 'installed':
        return this.moves.onInstalled(from, message);
      case 'read':
        return this.#adoption.onRead(from, message, step);
      case 'read-answer':
        return this.#adoption.onReadAnswer(from, message, step);
      case 'leaving':
        this.#parts.membership.leaving(from);
        return this.#considerAll(step);
    }
  }

  adopt(id: CommandId, task: TaskId, step: Step): void {
    this.#adoption.adopt(id, task, step);
  }

  onAdoptTimer(request: string, step: Step): void {
    this.#adoption.onTimer(request, step);
  }

  /** This peer is about to stop: its seats go to others, as far as there are any. */
  leave(step: Step): void {
    const { membership, config } = this.#parts;
    membership.leaving(config.self);
    step.sendAll(membership.neighbours(), { type: 'leaving' });
    this.#considerAll(step);
  }

  /** Which electorates are to be changed? Asked every few seconds. */
  look(step: Step): void {
    const { registers, catalogue, healing, config } = this.#parts;
    for (const task of registers.tasks()) {
      const register = registers.current(task);
      const entry = catalogue.get(task);
      if (register === undefined || entry === undefined) continue;
      if (isTerminal(entry.state) || registers.isOver(register)) {
        healing.forget(task);
        continue;
      }
      healing.look(task, register.generation, step.monoMs);
      if (healing.mayTakeOver(register.generation, config.self, step.monoMs)) this.#takeOver(register, step);
      else this.#seats.considerTurn(task, step);
    }
  }

  /** The register in which this peer votes on the task, before some news of it comes in. */
  living(task: TaskId): Register | null {
    const register = this.#parts.registers.current(task);
    return register === undefined || this.#parts.registers.isOver(register) ? null : register;
  }

  /** News has come in: a register that lived until then may have given way to a stranger, not to its successor. */
  onNews(task: TaskId, before: Register | null, step: Step): void {
    const stamp = this.#parts.catalogue.get(task)?.stamp ?? null;
    if (before === null || stamp === null || !this.#parts.registers.isOver(before)) return;
    this.#noteFork(before, stamp.generation, step);
  }

  #noteFork(before: Register, { number }: Pick<Generation, 'number'>, step: Step): void {
    const { task, generation, acceptor } = before;
    // A sole elector cannot have missed the seal of its own generation.
    const isAlone = generation.electorate.length === 1 && acceptor.accepted?.value.moved === null;
    if (number <= generation.number || isAlone) step.emit({ type: 'fork-met', task, generation });
  }

  /**
   * A majority of two is both, and one of them has been silent for long: the other goes on alone, be it to tell of an
   * end.
   */
  #takeOver(register: Register, step: Step): void {
    const { registers, healing, config, catalogue } = this.#parts;
    const entry = catalogue.get(register.task);
    const { state } = registers.read(register);
    if (entry === undefined) return;
    const next = healing.forcedSuccessor(register.generation, [config.self]);
    this.moves.begin(entry.task, next, succeed(state, next), 'the other of two PCs is gone', step);
  }

  #onInstall(from: PeerId, message: MessageOf<'install'>, step: Step): void {
    const before = this.living(message.task);
    if (!this.moves.onInstall(from, message, step)) return;
    const { generation } = message.state;
    if (before !== null && generation !== null) this.#noteFork(before, generation, step);
    const entry = this.#parts.catalogue.get(message.task);
    if (entry !== undefined) this.#seats.take(entry.task, null);
    this.#seats.forgetCancels(message.task);
    this.#seats.onReleased(message.task, step);
  }

  #considerAll(step: Step): void {
    for (const task of this.#parts.registers.tasks()) this.#seats.considerTurn(task, step);
  }
}
