import { describeVersion } from '../../../src/protocol/ballot.ts';
import type { TaskId } from '../../../src/protocol/ids.ts';
import { initialState, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import { generationOfRegister, type IdOf, type Report } from './oracle.ts';

/** A leader's write, and the news of the end, can cross within one moment. */
const crossingMs = 1_000;

/**
 * I3, inside the mesh: of two records with one key and round one gives way. A leader that has shown the other's result
 * assigns nobody any more; unless an attempt was publishing, which is past recall.
 */
export class OneOfTwins implements Observer {
  readonly #report: Report;
  readonly #idOf: IdOf;
  readonly #nameOf = new Map<TaskId, string>();
  /** By peer, then by key and round: which task was done, as this run of the peer has shown, and when. */
  readonly #done = new Map<string, Map<string, { readonly task: TaskId; readonly at: number }>>();
  readonly #written = new Map<TaskId, TaskState>();
  /** By peer and register: the version that it had when it was last seen to vote. */
  readonly #votes = new Map<string, string>();

  constructor(report: Report, idOf: IdOf) {
    this.#report = report;
    this.#idOf = idOf;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'record': {
        const { id, body } = observation.task;
        this.#nameOf.set(id, `${body.key} ${body.round}`);
        return;
      }
      case 'peer':
        if (observation.change === 'started') this.#done.delete(observation.peer);
        return;
      case 'told-end':
        return this.#onEnd(observation);
      case 'register':
        return this.#onWrite(observation);
      default:
    }
  }

  #onEnd({ at, peer, task, state }: ObservationOf<'told-end'>): void {
    const name = this.#nameOf.get(task);
    if (state.phase.name !== 'done' || name === undefined) return;
    const shown = this.#done.get(peer) ?? new Map();
    this.#done.set(peer, shown);
    if (!shown.has(name)) shown.set(name, { task, at });
  }

  /** A leader is an elector too, so its own vote tells when it wrote. */
  #onWrite({ at, peer, task, register }: ObservationOf<'register'>): void {
    const { accepted } = register;
    if (accepted === null || accepted.version.ballot.peer !== this.#idOf(peer)) return;
    const seat = `${peer} ${task} ${generationOfRegister(register)}`;
    const version = describeVersion(accepted.version);
    const isPromise = this.#votes.get(seat) === version;
    this.#votes.set(seat, version);
    if (isPromise) return;
    const { attemptsStarted } = accepted.value;
    const before = this.#written.get(task) ?? initialState;
    if (attemptsStarted < before.attemptsStarted) return;
    this.#written.set(task, accepted.value);
    if (attemptsStarted === before.attemptsStarted || before.phase.name === 'publishing') return;
    const twin = this.#done.get(peer)?.get(this.#nameOf.get(task) ?? '');
    if (twin === undefined || twin.task === task || at - twin.at < crossingMs) return;
    const text = `${peer} assigns attempt ${attemptsStarted}, and has shown the result of its twin ${twin.task.slice(0, 8)}`;
    this.#report({ invariant: 'I3', at, task, text });
  }
}
