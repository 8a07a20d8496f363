import type { PeerId, TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import { compareStamps, type Summary, stampOf } from '../../protocol/summary.ts';
import { endedAs, type Tombstone, tombstoneOf } from '../../protocol/tombstone.ts';
import type { Bidder } from './bidder.ts';
import type { Burials } from './burials.ts';
import type { Generations } from './generations.ts';
import type { Leaders } from './leaders.ts';
import type { Parts } from './parts.ts';
import { isPast } from './past.ts';
import type { Seats } from './seats.ts';
import type { Step } from './step.ts';
import type { Worker } from './worker.ts';

/** Whom news of a task concerns. */
interface Concerned {
  readonly seats: Seats;
  readonly generations: Generations;
  readonly leaders: Leaders;
  readonly worker: Worker;
  readonly bidder: Bidder;
  readonly burials: Burials;
}

/** What is told of tasks, by gossip, by sync or directly: their records, and how they stand. */
export class News {
  readonly #parts: Parts;
  readonly #concerned: Concerned;
  /** The last record that was not taken in for being past. How the task stands comes right after it. */
  #refused: Task | null = null;

  constructor(parts: Parts, concerned: Concerned) {
    this.#parts = parts;
    this.#concerned = concerned;
  }

  /**
   * A record from its submitter, by gossip (`from` is null) or by sync: stored, given its seat, and answered with a
   * bid.
   */
  onRecord(from: PeerId | null, task: Task, step: Step): void {
    const { config, catalogue, registers } = this.#parts;
    const { seats, generations, bidder } = this.#concerned;
    if (catalogue.isBuried(task.id)) return from === null ? undefined : catalogue.tombstones.tell(from, task.id, step);
    // Where it has ended it is pruned by now: who comes back with it does not start it again.
    const isWanted = catalogue.get(task.id) !== undefined || generations.moves.wants(task.id);
    if (isPast(task, step, config.timing) && !isWanted) {
      this.#refused = task;
      return;
    }
    const isNew = catalogue.add(task, step);
    if (registers.open(task, step)) seats.take(task, step.monoMs);
    if (from !== null && task.body.electorate.includes(config.self)) step.send(from, { type: 'stored', task: task.id });
    const isOpen = catalogue.get(task.id)?.state.phase.name === 'open';
    if (!bidder.hasAnswered(task.id) && isOpen) bidder.answer(task, 1, step);
    if (!isNew) return;
    seats.considerTurn(task.id, step);
    this.#onRivals(task.id, step);
  }

  onSummary(from: PeerId, summary: Summary, step: Step): void {
    const { task } = summary;
    const { catalogue } = this.#parts;
    const { generations, leaders, worker, bidder } = this.#concerned;
    if (catalogue.get(task) === undefined) return this.#onUnknown(from, summary, step);
    const living = generations.living(task);
    if (!catalogue.learn(summary, step)) return;
    generations.onNews(task, living, step);
    leaders.onNews(task, step);
    worker.onKnowledge(task, step);
    if (summary.state.phase.name !== 'open') bidder.settled(task);
    this.#onRivals(task, step);
    bidder.offer(step);
  }

  #onUnknown(from: PeerId, summary: Summary, step: Step): void {
    const { catalogue } = this.#parts;
    const end = this.#endBy(summary);
    if (end !== null) return this.#concerned.burials.onTombstone(end, step);
    if (this.#refused?.id !== summary.task) catalogue.lack(from, summary.task, step);
  }

  /**
   * Of a task that is buried: where its lives have met, the end that counts may be the other one. Of one that was
   * refused: whoever tells of it has a clock that is behind, and does so no more once its end is known here too.
   */
  #endBy({ task, state, version }: Summary): Tombstone | null {
    const stamp = stampOf(state, version);
    const known = this.#parts.catalogue.tombstones.get(task);
    if (known !== undefined) return compareStamps(stamp, known.stamp) > 0 ? endedAs(known, state, stamp) : null;
    return this.#refused?.id === task ? tombstoneOf(this.#refused, state, stamp) : null;
  }

  /** News of a task may decide what becomes of others with its key. */
  #onRivals(task: TaskId, step: Step): void {
    const { catalogue } = this.#parts;
    const entry = catalogue.get(task);
    if (entry === undefined) return;
    for (const rival of catalogue.withKey(entry.task.body.key)) {
      if (isTerminal(rival.state)) continue;
      this.#concerned.seats.considerTurn(rival.task.id, step);
      this.#concerned.leaders.consider(rival.task.id, step);
    }
  }
}
