import type { Version } from '../../protocol/ballot.ts';
import { generationOf } from '../../protocol/generation.ts';
import { byText, type GenerationId, type PeerId, runIdOf, type TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { Task } from '../../protocol/record.ts';
import { Furthest, initialState, isTerminal, type TaskState } from '../../protocol/state.ts';
import {
  compareMaybeStamps,
  initialVersion,
  type Progress,
  type Stamp,
  type StandingAnswer,
  type StoryEvent,
  type Summary,
  stampOf,
} from '../../protocol/summary.ts';
import type { Timing } from '../../protocol/timing.ts';
import { tombstoneOf } from '../../protocol/tombstone.ts';
import type { Stored } from '../store/store.ts';
import { isDead } from './past.ts';
import type { Step } from './step.ts';
import { Tombstones } from './tombstones.ts';

/** What this peer knows of one task, from its leader's summaries. Seats and leases are kept elsewhere. */
export interface Entry {
  readonly task: Task;
  /** Of the state; null until a first summary is heard. */
  readonly stamp: Stamp | null;
  readonly state: TaskState;
  readonly leader: PeerId | null;
  readonly stalled: string | null;
  readonly answers: readonly StandingAnswer[];
  readonly story: readonly StoryEvent[];
  readonly progress: Progress | null;
}

/** That a task is known, and how much of it; null where that is the record alone. */
export type Listed = Pick<Entry, 'stamp'> & { readonly task: TaskId };

const maxStoryEvents = 200;

/**
 * All tasks this peer has heard of, each with the newest committed state it knows.
 *
 * Of two tasks with one key (from two sides of a cut) one must end as the other's duplicate. Done beats publishing
 * beats assigned beats open, by how far a task *ever* got, then the smaller (created, id). Since that rank never falls,
 * two leaders that decide on old news cannot cancel both.
 */
export class Catalogue {
  readonly tombstones: Tombstones;
  readonly #entries = new Map<TaskId, Entry>();
  readonly #byKey = new Map<string, TaskId[]>();
  /** The open ones, so that looking for work costs no more the longer the past is. */
  readonly #waiting = new Set<TaskId>();
  #revision = 0;

  constructor(stored: Pick<Stored, 'knowledge' | 'registers' | 'tombstones'>, tasks: readonly Task[]) {
    this.tombstones = new Tombstones(stored);
    for (const task of tasks) this.#insert(task);
    for (const { task, knowledge } of stored.knowledge) {
      const entry = this.#entries.get(task);
      if (entry === undefined) continue;
      const { version, state, story, answers } = knowledge;
      const known = { ...entry, stamp: stampOf(state, version), state, story, answers };
      this.#entries.set(task, known);
      this.#noteWaiting(known);
    }
    // A seat in a later generation is news too: whoever asks this peer by an earlier one is told.
    for (const { task, register } of stored.registers) {
      const entry = this.#entries.get(task);
      const state = register.initial;
      if (entry === undefined || state === null || state.generation === null) continue;
      const stamp = stampOf(state, initialVersion(state.generation));
      if (compareMaybeStamps(stamp, entry.stamp) <= 0) continue;
      const known = { ...entry, stamp, state };
      this.#entries.set(task, known);
      this.#noteWaiting(known);
    }
  }

  get held(): number {
    return this.#entries.size + this.#byKey.size + this.#waiting.size;
  }

  /** Grows with every change that sync compares. */
  get revision(): number {
    return this.#revision + this.tombstones.revision;
  }

  get(id: TaskId): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Sorted by creation, then id. */
  all(): readonly Entry[] {
    return [...this.#entries.values()].sort(
      (a, b) => a.task.body.createdAt - b.task.body.createdAt || byText(a.task.id, b.task.id),
    );
  }

  /** Open tasks, in no order. */
  waiting(): readonly Entry[] {
    return [...this.#waiting].flatMap((id) => this.#entries.get(id) ?? []);
  }

  /** The electors of the task's generation as far as it is known here. */
  electorate(id: TaskId): readonly PeerId[] {
    const entry = this.#entries.get(id);
    return entry === undefined ? [] : generationOf(entry.task, entry.state).electorate;
  }

  isBuried(id: TaskId): boolean {
    return this.tombstones.get(id) !== undefined;
  }

  /** Something was said of a task that is not known here: its record is asked for, unless it is buried. */
  lack(from: PeerId, task: TaskId, step: Step): void {
    if (this.isBuried(task)) this.tombstones.tell(from, task, step);
    else step.send(from, { type: 'need-task', task });
  }

  /** What has become of the task, where it has ended: for who would not take its record in any more. */
  tellEnd(to: PeerId, id: TaskId, step: Step): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.tombstones.tell(to, id, step);
    const tombstone = entry.stamp && tombstoneOf(entry.task, entry.state, entry.stamp);
    if (tombstone !== null) step.send(to, { type: 'tombstone', tombstone });
  }

  /** What sync compares, sorted by id. A buried task has the stamp that it had before, so that pruning is no news. */
  listed(withBuried: boolean): readonly Listed[] {
    const known = [...this.#entries.values()].map(({ task, stamp }): Listed => ({ task: task.id, stamp }));
    const buried = withBuried ? this.tombstones.all().filter(({ task }) => !this.#entries.has(task)) : [];
    return [...known, ...buried].sort((a, b) => byText(a.task, b.task));
  }

  /** True when the task was not known before. */
  add(task: Task, step: Step): boolean {
    if (this.#entries.has(task.id)) return false;
    this.#insert(task);
    // Electors promise to keep it, and their seat's record, which is never lazy, takes this one along.
    step.persistLazily({ kind: 'task', task: task.id, record: task.signed });
    step.emit({ type: 'task', task: task.id });
    return true;
  }

  /** Takes in a summary. True when it brought a newer state. */
  learn(summary: Summary, step: Step): boolean {
    const entry = this.#entries.get(summary.task);
    if (entry === undefined) return false;
    const order = compareMaybeStamps(stampOf(summary.state, summary.version), entry.stamp);
    const fresh = summary.story.filter((event) => !entry.story.some((known) => sameStory(known, event)));
    if (order < 0 && fresh.length === 0) return false;
    const story = [...entry.story, ...fresh].sort((a, b) => a.at - b.at).slice(-maxStoryEvents);
    const next: Entry = order < 0 ? { ...entry, story } : this.#updated(entry, summary, story);
    this.#entries.set(summary.task, next);
    this.#noteWaiting(next);
    this.#revision += 1;
    const hasMoved = summary.state.generation?.id !== entry.state.generation?.id;
    if (order > 0 && (hasMoved || isTerminal(next.state))) this.#persist(next, summary.version, step);
    if (order > 0) this.#moveCheckpoint(entry, next, step);
    for (const event of fresh) step.emit({ type: 'story', task: summary.task, story: event });
    step.emit({ type: 'task', task: summary.task });
    return order > 0;
  }

  progress(id: TaskId, attempt: number, progress: Progress, step: Step): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.state.attemptsStarted > attempt || isTerminal(entry.state)) return;
    if (entry.progress !== null && entry.progress.at >= progress.at) return;
    this.#entries.set(id, { ...entry, progress });
    step.emit({ type: 'task', task: id });
  }

  /** What others are told of a task: the newest state known here, and its whole story. */
  summaryOf(id: TaskId): Summary | null {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.stamp === null) return null;
    const { state, leader, stalled, answers, story } = entry;
    return {
      task: id,
      version: entry.stamp.version,
      state,
      leader,
      stalled,
      answers: [...answers],
      story: story.slice(-Limits.storyEventsPerSummary),
    };
  }

  /** The task that this one must give way to, if there is one. */
  winnerOver(id: TaskId, step: Step, timing: Timing): TaskId | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { key, round } = entry.task.body;
    const buried = this.tombstones.doneBefore(key, round);
    if (buried !== null && entry.state.furthest < Furthest.done) return buried;
    const [best] = this.#sharing(key)
      .filter(({ task, state }) => task.id !== id && task.body.round === round && !hasGivenUp(state))
      .filter((rival) => !isDead(rival, step, timing))
      .sort(byPrecedence);
    return best !== undefined && byPrecedence(best, entry) < 0 ? best.task.id : null;
  }

  /** Every task with this key, of any round; the newest round first, within it the one that precedes. */
  withKey(key: string): readonly Entry[] {
    return this.#sharing(key).sort(
      (a, b) =>
        b.task.body.round - a.task.body.round ||
        Number(hasGivenUp(a.state)) - Number(hasGivenUp(b.state)) ||
        byPrecedence(a, b),
    );
  }

  forget(id: TaskId, generations: readonly GenerationId[], step: Step): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    const { key } = entry.task.body;
    const others = this.#sharing(key).map(({ task }) => task.id);
    if (others.length > 0) this.#byKey.set(key, others);
    else this.#byKey.delete(key);
    this.#waiting.delete(id);
    this.#revision += 1;
    step.persistLazily({ kind: 'forget', task: id, generations });
  }

  #insert(task: Task): void {
    this.#entries.set(task.id, {
      task,
      stamp: null,
      state: initialState,
      leader: null,
      stalled: null,
      answers: [],
      story: [],
      progress: null,
    });
    const { key } = task.body;
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), task.id]);
    this.#waiting.add(task.id);
    this.#revision += 1;
  }

  #noteWaiting({ task, state }: Entry): void {
    if (state.phase.name === 'open') this.#waiting.add(task.id);
    else this.#waiting.delete(task.id);
  }

  #sharing(key: string): Entry[] {
    return (this.#byKey.get(key) ?? []).flatMap((id) => this.#entries.get(id) ?? []);
  }

  #updated(entry: Entry, summary: Summary, story: readonly StoryEvent[]): Entry {
    const { version, state, leader, stalled } = summary;
    const answers = summary.answers.length > 0 ? summary.answers : entry.answers;
    const progress = state.attemptsStarted > entry.state.attemptsStarted ? null : entry.progress;
    return { task: entry.task, stamp: stampOf(state, version), state, leader, stalled, answers, story, progress };
  }

  /** Whoever has the bytes gives them to the electors that have none yet; an ended task needs them no more. */
  #moveCheckpoint(before: Entry, { task, state }: Entry, step: Step): void {
    if (isTerminal(state)) return step.forgetCheckpoints(task.id);
    const known = generationOf(task, before.state).electorate;
    const added = generationOf(task, state).electorate.filter((peer) => !known.includes(peer));
    const { checkpoint } = state;
    if (checkpoint !== null && added.length > 0)
      step.replicate(runIdOf(task.id, checkpoint.attempt), checkpoint.blob, added);
  }

  #persist({ task, state, story, answers }: Entry, version: Version, step: Step): void {
    step.persistLazily({
      kind: 'knowledge',
      task: task.id,
      knowledge: { version, state, heardAt: step.wallMs, story, answers },
    });
  }
}

const byPrecedence = (a: Entry, b: Entry): number =>
  b.state.furthest - a.state.furthest || a.task.body.createdAt - b.task.body.createdAt || byText(a.task.id, b.task.id);

/** Ended without a result, so that it stands in nobody's way. */
export const hasGivenUp = ({ phase }: TaskState): boolean => phase.name === 'cancelled' || phase.name === 'failed';

const sameStory = (a: StoryEvent, b: StoryEvent): boolean =>
  a.at === b.at && a.by === b.by && a.event === b.event && a.detail === b.detail;
