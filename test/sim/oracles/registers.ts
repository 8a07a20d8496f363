import { majorityOf } from '../../../src/election/electorate.ts';
import { compareVersions, describeVersion, type Version } from '../../../src/protocol/ballot.ts';
import type { GenerationId, TaskId } from '../../../src/protocol/ids.ts';
import type { Accepted } from '../../../src/protocol/messages.ts';
import { isNewer, isTerminal, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import { type Electorates, generationOfRegister, type Report } from './oracle.ts';

interface Written extends Accepted {
  readonly holders: Set<string>;
  committed: boolean;
}

/** One generation's register as its electors' disks show it. */
interface Book {
  readonly majority: number;
  /** The newest versions, by name: older ones cannot matter any more. */
  readonly written: Map<string, Written>;
  /** What each elector has last accepted. */
  readonly accepted: Map<string, Version>;
  /** At which versions a value was ever written: values travel by reference here. */
  readonly versionsOf: Map<TaskState, Version[]>;
  /** The first version of each value that was committed, the newest last. */
  readonly committed: Accepted[];
}

const keptVersions = 64;

/**
 * I2: committed register versions only grow, and a new leader starts from the latest committed one. A version is committed
 * once a majority has it on disk, whether or not anybody has heard so.
 */
export class GrowingRegisters implements Observer {
  readonly #report: Report;
  readonly #electorates: Electorates;
  readonly #books = new Map<TaskId, Map<GenerationId, Book>>();

  constructor(report: Report, electorates: Electorates) {
    this.#report = report;
    this.#electorates = electorates;
  }

  see(observation: Observation): void {
    if (observation.type === 'register') this.#onRegister(observation);
  }

  /** Every value that was committed, in any generation. */
  committed(task: TaskId): readonly TaskState[] {
    return [...(this.#books.get(task)?.values() ?? [])].flatMap((book) => book.committed.map(({ value }) => value));
  }

  /** The last value that was committed, in the generation that was installed last. */
  latest(task: TaskId): TaskState | null {
    return this.committed(task).at(-1) ?? null;
  }

  #onRegister(observation: ObservationOf<'register'>): void {
    const { peer, register } = observation;
    const book = this.#bookFor(observation);
    const { accepted } = register;
    if (accepted === null) return;
    const before = book.accepted.get(peer);
    const order = before === undefined ? 1 : compareVersions(accepted.version, before);
    if (order === 0) return;
    book.accepted.set(peer, accepted.version);
    if (order < 0 && before !== undefined)
      this.#wrong(observation, `${peer} falls from ${describeVersion(before)} to ${describeVersion(accepted.version)}`);
    this.#note(book, accepted, observation);
  }

  #note(book: Book, accepted: Accepted, observation: ObservationOf<'register'>): void {
    const name = describeVersion(accepted.version);
    const known = book.written.get(name);
    const written: Written = known ?? { ...accepted, holders: new Set(), committed: false };
    if (known === undefined) {
      book.written.set(name, written);
      this.#noteOrigin(book, accepted, observation);
    } else if (known.value !== accepted.value) {
      this.#wrong(observation, `${name} has two values`);
    }
    written.holders.add(observation.peer);
    if (written.committed || written.holders.size < book.majority) return;
    written.committed = true;
    this.#commit(book, accepted, observation);
  }

  /** P3: what a new ballot begins with must be as new as everything that was committed below it. */
  #noteOrigin(book: Book, { version, valueVersion, value }: Accepted, observation: ObservationOf<'register'>): void {
    const versions = book.versionsOf.get(value) ?? [];
    if (version.seq === 0) {
      const base = versions.filter((one) => compareVersions(one, version) < 0).at(-1);
      const latest = book.committed.at(-1);
      const isNewer = latest !== undefined && compareVersions(latest.valueVersion, version) < 0;
      if (isNewer && (base === undefined || compareVersions(base, latest.valueVersion) < 0)) {
        const from = base === undefined ? 'nothing' : describeVersion(base);
        const text = `${describeVersion(version)} begins with ${from}, not with ${describeVersion(latest.valueVersion)}`;
        this.#wrong(observation, text);
      }
    }
    if (versions.every((one) => compareVersions(one, valueVersion) !== 0))
      book.versionsOf.set(value, [...versions, valueVersion].sort(compareVersions));
  }

  #commit(book: Book, accepted: Accepted, observation: ObservationOf<'register'>): void {
    const latest = book.committed.at(-1);
    for (const name of [...book.written.keys()].slice(0, -keptVersions)) book.written.delete(name);
    if (latest !== undefined && compareVersions(accepted.valueVersion, latest.valueVersion) <= 0) return;
    const lost = latest === undefined ? null : lostSince(latest.value, accepted.value);
    if (lost !== null) this.#wrong(observation, `${describeVersion(accepted.version)} was committed and ${lost}`);
    book.committed.push(accepted);
  }

  #bookFor(observation: ObservationOf<'register'>): Book {
    const { task, register } = observation;
    const id = generationOfRegister(register);
    const books = this.#books.get(task) ?? new Map<GenerationId, Book>();
    this.#books.set(task, books);
    const known = books.get(id);
    if (known !== undefined) return known;
    const generation = register.initial?.generation ?? null;
    if (generation !== null && !generation.forced) this.#checkSeal(books, observation);
    const size = generation?.electorate.length ?? this.#electorates.originSize(task);
    const book: Book = {
      majority: majorityOf(size),
      written: new Map(),
      accepted: new Map(),
      versionsOf: new Map(),
      committed: [],
    };
    books.set(id, book);
    return book;
  }

  /** M2: nobody is installed before the seal is committed. */
  #checkSeal(books: ReadonlyMap<GenerationId, Book>, observation: ObservationOf<'register'>): void {
    const id = generationOfRegister(observation.register);
    const isSealed = [...books.values()].some((book) => book.committed.some(({ value }) => value.moved?.id === id));
    if (!isSealed)
      this.#wrong(observation, `${observation.peer} installs generation ${id}, whose seal is not committed`);
  }

  #wrong({ at, task }: ObservationOf<'register'>, text: string): void {
    this.#report({ invariant: 'I2', at, task, text });
  }
}

/** What a later committed state has lost of an earlier one; null where nothing is amiss. */
function lostSince(before: TaskState, after: TaskState): string | null {
  if (before.moved !== null && after.moved?.id !== before.moved.id) return 'lost the seal';
  if (isTerminal(before) && after.phase.name !== before.phase.name) return `is no longer ${before.phase.name}`;
  for (const field of ['attemptsStarted', 'furthest', 'failures', 'spentUsd'] as const)
    if (after[field] < before[field]) return `lost ${field} ${before[field]}, now ${after[field]}`;
  const { checkpoint } = before;
  if (checkpoint !== null && (after.checkpoint === null || isNewer(checkpoint, after.checkpoint)))
    return `lost the checkpoint ${checkpoint.attempt}.${checkpoint.number}`;
  const hasSaved = after.checkpoint !== null && isNewer(after.checkpoint, checkpoint);
  if (after.lapses < before.lapses && !hasSaved) return `lost lapses ${before.lapses}, now ${after.lapses}`;
  return null;
}
