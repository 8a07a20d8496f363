import type { TaskId } from '../../../src/protocol/ids.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

interface Named {
  readonly key: string;
  readonly round: number;
}

/**
 * I8, of keys: a round that has brought a result, as this run of a peer has shown, is not begun anew by a submission
 * there, however long ago that was.
 */
export class RoundsGoOn implements Observer {
  readonly #report: Report;
  readonly #named = new Map<TaskId, Named>();
  /** By peer and key: the last round that it has shown to be done. */
  readonly #done = new Map<string, Map<string, number>>();
  /** By submission: the last round that was done when it was made. */
  readonly #asked = new Map<string, number>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'record': {
        const { id, body } = observation.task;
        this.#named.set(id, body);
        return;
      }
      case 'peer':
        if (observation.change === 'started') this.#done.delete(observation.peer);
        return;
      case 'told-end':
        if (observation.state.phase.name === 'done') this.#onDone(observation.peer, this.#named.get(observation.task));
        return;
      case 'buried':
        if (observation.tombstone.end.name === 'done') this.#onDone(observation.peer, observation.tombstone);
        return;
      case 'asked': {
        const { id, peer, command } = observation;
        if (command.type === 'submit') this.#asked.set(id, this.#done.get(peer)?.get(command.draft.key) ?? 0);
        return;
      }
      case 'replied':
        return this.#onReply(observation);
      default:
    }
  }

  #onDone(peer: string, named: Named | undefined): void {
    if (named === undefined) return;
    const rounds = this.#done.get(peer) ?? new Map<string, number>();
    this.#done.set(peer, rounds);
    rounds.set(named.key, Math.max(named.round, rounds.get(named.key) ?? 0));
  }

  #onReply({ at, peer, id, reply }: ObservationOf<'replied'>): void {
    const done = this.#asked.get(id);
    if (done === undefined || (reply.type !== 'submitted' && reply.type !== 'pending')) return;
    const named = this.#named.get(reply.task);
    if (named === undefined || named.round > done) return;
    const text = `${peer} begins round ${named.round} of ${named.key}, and has shown the result of round ${done}`;
    this.#report({ invariant: 'I8', at, task: reply.task, text });
  }
}
