import type { TaskId } from '../../../src/protocol/ids.ts';
import type { Phase } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import type { Electorates, Report } from './oracle.ts';

/**
 * I8: what was reported to a person is never taken back: the end of a task, on whatever peer they look, also once it is
 * pruned, and the answer to their `cancel`. Where a task was forced to go on without a majority, a result may still beat
 * another end. What a later submission begins with is a matter of its own, see rounds.ts.
 */
export class EndsAreFinal implements Observer {
  readonly #report: Report;
  readonly #electorates: Electorates;
  readonly #ends = new Map<TaskId, { readonly phase: Phase; readonly text: string; readonly peer: string }>();
  readonly #cancels = new Map<string, TaskId>();
  readonly #cancelled = new Set<TaskId>();

  constructor(report: Report, electorates: Electorates) {
    this.#report = report;
    this.#electorates = electorates;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'told-end':
        return this.#onEnd(observation);
      case 'buried':
        return this.#onBuried(observation);
      case 'asked':
        if (observation.command.type === 'cancel') this.#cancels.set(observation.id, observation.command.task);
        return;
      case 'replied': {
        const task = this.#cancels.get(observation.id);
        if (task !== undefined && observation.reply.type === 'cancelled') this.#cancelled.add(task);
        return;
      }
      case 'shows':
        return this.#onShown(observation);
      default:
    }
  }

  #onEnd({ at, peer, task, state }: ObservationOf<'told-end'>): void {
    const text = JSON.stringify(state.phase);
    const known = this.#ends.get(task);
    if (known === undefined || this.#mayBeat(task, state.phase, known.phase))
      return void this.#ends.set(task, { phase: state.phase, text, peer });
    if (known.text === text || this.#mayBeat(task, known.phase, state.phase)) return;
    this.#report({ invariant: 'I8', at, task, text: `ended ${known.text} for ${known.peer}, and ${text} for ${peer}` });
  }

  #onBuried({ at, peer, tombstone: { task, end } }: ObservationOf<'buried'>): void {
    const known = this.#ends.get(task);
    if (known === undefined || known.phase.name === end.name || this.#electorates.mayFork(task)) return;
    const text = `ended ${known.text} for ${known.peer}, and is pruned as ${end.name} at ${peer}`;
    this.#report({ invariant: 'I8', at, task, text });
  }

  #onShown({ at, peer, task, phase }: ObservationOf<'shows'>): void {
    if (phase === null || phase === 'cancelled' || !this.#cancelled.has(task) || this.#electorates.mayFork(task))
      return;
    this.#report({ invariant: 'I8', at, task, text: `was said to be cancelled, and is ${phase} at ${peer}` });
  }

  #mayBeat(task: TaskId, one: Phase, other: Phase): boolean {
    if (!this.#electorates.mayFork(task)) return false;
    if (one.name !== 'done') return other.name !== 'done';
    return other.name !== 'done' || one.result.pullRequest?.number === other.result.pullRequest?.number;
  }
}
