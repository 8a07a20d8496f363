import type { PeerId, TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import { type Summary, stampOf } from '../../protocol/summary.ts';
import { tombstoneOf } from '../../protocol/tombstone.ts';
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

  /**
   * Whoever told it thinks nothing of the past, by a clock that is behind: it is told no more once the end of the task is
   * known here too.
   */
  #onUnknown(from: PeerId, { task, state, version }: Summary, step: Step): void {
    const { catalogue } = this.#parts;
    if (this.#refused?.id !== task) return catalogue.lack(from, task, step);
    const tombstone = tombstoneOf(this.#refused, state, stampOf(state, version));
    if (tombstone !== null) this.#concerned.burials.onTombstone(tombstone, step);
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
