import { chooseElectorate, majorityOf } from '../../election/electorate.ts';
import { compareMaybeVersions } from '../../protocol/ballot.ts';
import { compareGenerations, generationOf } from '../../protocol/generation.ts';
import type { CommandId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal, succeed } from '../../protocol/state.ts';
import type { Moves } from './moves.ts';
import type { Parts } from './parts.ts';
import { randomHex } from './random.ts';
import type { Reading } from './registers.ts';
import type { Requests } from './requests.ts';
import type { Step } from './step.ts';

interface Request {
  readonly id: CommandId;
  readonly task: Task;
  readonly asked: readonly PeerId[];
  readonly answers: Map<PeerId, Reading>;
}

/**
 * A majority of a task's electors is gone for good, and a person says so: the task starts a new generation with who is
 * there, from the newest that its reachable electors know. Nobody can tell whether the others go on somewhere; should
 * they meet again, one of the two lives gives way. A cancel of it that waits here is thereby taken back.
 */
export class Adoption {
  readonly #parts: Parts;
  readonly #moves: Moves;
  readonly #commands: Pick<Requests, 'takeBackCancel'>;
  readonly #requests = new Map<string, Request>();

  constructor(parts: Parts, moves: Moves, commands: Pick<Requests, 'takeBackCancel'>) {
    this.#parts = parts;
    this.#moves = moves;
    this.#commands = commands;
  }

  get held(): number {
    return this.#requests.size;
  }

  adopt(id: CommandId, task: TaskId, step: Step): void {
    const { catalogue, config, membership } = this.#parts;
    const entry = catalogue.get(task);
    if (entry === undefined) return step.reply(id, { type: catalogue.isBuried(task) ? 'ended' : 'unknown-task' });
    if (isTerminal(entry.state)) return step.reply(id, { type: 'ended' });
    const electorate = catalogue.electorate(task);
    const asked = electorate.filter((peer) => membership.isUp(peer));
    if (asked.length >= majorityOf(electorate.length)) return step.reply(id, { type: 'has-quorum' });

    const request = randomHex(config.random);
    this.#requests.set(request, { id, task: entry.task, asked, answers: new Map() });
    step.sendAll(asked, { type: 'read', task, request });
    step.setTimer({ type: 'adopt', request }, asked.length === 0 ? 0 : config.timing.readMs);
  }

  /** Somebody adopts the task: what this elector knows of it. */
  onRead(from: PeerId, { task, request }: MessageOf<'read'>, step: Step): void {
    const { registers } = this.#parts;
    const register = registers.current(task);
    if (register === undefined) return;
    const { version, state } = registers.read(register);
    step.send(from, { type: 'read-answer', task, request, version, state });
  }

  onReadAnswer(from: PeerId, { request: key, version, state }: MessageOf<'read-answer'>, step: Step): void {
    const request = this.#requests.get(key);
    if (request === undefined || !request.asked.includes(from)) return;
    request.answers.set(from, { version, state });
    if (request.answers.size === request.asked.length) this.#end(key, request, step);
  }

  onTimer(key: string, step: Step): void {
    const request = this.#requests.get(key);
    if (request !== undefined) this.#end(key, request, step);
  }

  #end(key: string, { id, task, answers }: Request, step: Step): void {
    this.#requests.delete(key);
    const { catalogue, membership, healing } = this.#parts;
    const entry = catalogue.get(task.id);
    if (entry === undefined) return step.reply(id, { type: 'ended' });
    const heard: Reading = { version: entry.stamp?.version ?? null, state: entry.state };
    if (isTerminal(entry.state)) return step.reply(id, { type: 'ended' });
    const { state } = [heard, ...answers.values()].reduce((best, one) => (isNewer(task, one, best) ? one : best));
    const last = generationOf(task, state);
    const electorate = chooseElectorate(membership.staying(), task.body.nonce);
    if (electorate.length === 0) return step.reply(id, { type: 'refused', reason: 'this peer is about to stop' });
    const next = healing.forcedSuccessor(last, electorate);
    this.#commands.takeBackCancel(task.id);
    this.#moves.begin(task, next, succeed(state, next), 'adopted by a person', step);
    const givenUp = last.electorate.filter((peer) => !membership.isUp(peer));
    step.reply(id, { type: 'adopted', task: task.id, givenUp });
  }
}

const isNewer = (task: Task, a: Reading, b: Reading): boolean =>
  (compareGenerations(generationOf(task, a.state), generationOf(task, b.state)) ||
    compareMaybeVersions(a.version, b.version)) > 0;
