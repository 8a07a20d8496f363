import { advertsPerSecond } from '../../src/peer/core/membership.ts';
import type { TaskId } from '../../src/protocol/ids.ts';
import type { Phase } from '../../src/protocol/state.ts';
import { defaultTiming } from '../../src/protocol/timing.ts';
import { Faults } from './faults.ts';
import { VirtualForge } from './forge/forge.ts';
import { Maintainers } from './forge/maintainers.ts';
import { Wire } from './forge/wire.ts';
import { Workers } from './forge/workers.ts';
import { Holiday } from './holiday.ts';
import { Observers } from './observers.ts';
import { People } from './people.ts';
import { type Traits, traitsOf } from './profile.ts';
import { EventQueue } from './queue.ts';
import { Random } from './random.ts';
import type { PeerSpec } from './records.ts';
import { Replacement } from './replacement.ts';
import type { RunOptions, RunResult, Traffic } from './result.ts';
import { Survivors } from './survivors.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

/** By the seed: with a good share of two PCs, and of as many as an electorate holds. */
const meshSizes = [1, 2, 2, 2, 3, 3, 4, 5, 5, 5, 6, 7] as const;
const taskCounts = [3, 6, 10, 15] as const;
const stretchMs = 1_000;
const progressEveryMs = 10_000;
/** For the progress bar only: how long peace takes, more or less. */
const peaceMs = 60_000;
const restMs = 10_000;
/** Idle traffic is measured over so many adverts of each peer, whose interval grows with the mesh. */
const measuredAdverts = 8;

/** Leases, grants, lost electors, and what only sync brings. */
const recoveryMs = 3 * 60_000;
const publishingMs = 90_000;

const ended: readonly Phase['name'][] = ['done', 'failed', 'cancelled'];

interface Unended {
  readonly task: TaskId;
  readonly name: string;
}

const firstNames = 'ada bea cid dan eva fay gus hal ida jon kim leo mia ned pia ray sue tom uma vic wes yan zoe'.split(
  ' ',
);
const nameOf = (index: number): string => firstNames[index] ?? `pc${index + 1}`;

/** One run: a phase of faults and submissions, then peace, in which everything must come to its end. */
export function run(options: RunOptions): RunResult {
  return new Run(options).result();
}

class Run {
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #traits: Traits;
  readonly #observers = new Observers();
  readonly #trace = new Trace();
  readonly #world: World;
  readonly #workers: Workers;
  readonly #maintainers: Maintainers;
  readonly #faults: Faults | null;
  readonly #survivors = new Survivors();
  readonly #replacement: Replacement | null;
  readonly #hasHoliday: boolean;
  readonly #people: People;
  #living: readonly string[];

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new Random(options.seed).fork(options.profile);
    this.#traits = traitsOf[options.profile];
    const { agents, wire, maintainers, conditions, faults, money, people } = this.#traits;
    this.#hasHoliday = this.#random.fork('holidays').chance(people.holidays);
    const queue = new EventQueue();
    const forge = new VirtualForge(() => queue.nowMs, this.#observers);
    const random = (purpose: string): Random => this.#random.fork(purpose);
    this.#workers = new Workers(forge, new Wire(queue, random('wire'), wire), random('agents'), agents);
    this.#maintainers = new Maintainers(queue, random('maintainers'), forge, maintainers);
    this.#observers.add(this.#survivors);
    this.#observers.add(this.#maintainers);
    const specs = this.#specs();
    this.#world = new World(specs, {
      queue,
      random,
      agents: this.#workers,
      lostCheckpoints: faults?.lostCheckpoints ?? 0,
      conditions,
      timing: { budgetDayMs: money.dayMs },
      observer: this.#observers,
      trace: this.#trace,
      traffic: options.traffic ?? false,
      recording: false,
    });
    this.#living = this.#world.names;
    this.#faults = faults && new Faults(this.#world, faults, random('faults'), this.#observers);
    if (this.#faults !== null) this.#observers.add(this.#faults);
    const newcomer = specs.find(({ later }) => later === true)?.name;
    this.#replacement =
      newcomer === undefined
        ? null
        : new Replacement(this.#world, random('replacement'), this.#survivors, newcomer, this.#observers);
    this.#people = this.#beginPeople();
  }

  result(): RunResult {
    const { seed, profile, durationMs } = this.#options;
    this.#faults?.begin();
    if (this.#faults !== null) this.#replacement?.begin(durationMs, this.#faults);
    this.#liveUntil(durationMs);
    this.#makePeace();
    this.#untilAllEnded();
    this.#look();
    if (this.#hasHoliday) this.#goOnHoliday();
    const traffic = this.#rest();
    const { history, failovers, judge, named, log } = this.#observers;
    return {
      seed,
      profile,
      peers: this.#world.names,
      virtualMs: this.#world.nowMs,
      events: this.#trace.events,
      violations: judge.violations,
      occurred: named.counts,
      trace: this.#trace.hash,
      lastEvents: judge.findings.length === 0 ? [] : log.about(judge.suspect),
      tasks: history.histories(
        (task) => this.#phaseOf(task) ?? 'lost',
        (task) => this.#workers.workMs(task),
      ),
      faults: history.faults,
      failoversMs: failovers.ms,
      headlessFailoversMs: failovers.headlessMs,
      traffic,
    };
  }

  #specs(): readonly PeerSpec[] {
    const { peers, specialties = [], profile } = this.#options;
    const random = this.#random.fork('peers');
    const size = peers === 0 ? random.pick(meshSizes) : peers;
    const { rates, wallOffsetMs, money, faults } = this.#traits;
    const purses = this.#random.fork('purses');
    const mesh = purses.chance(money.meshes) ? { meshDailyUsd: purses.between(...money.meshUsd) } : {};
    const losesDisk = this.#random.fork('disks').chance(faults?.lostDisks ?? 0);
    return Array.from({ length: size + (losesDisk ? 1 : 0) }, (_, index) => ({
      later: index === size,
      name: nameOf(index),
      specialties: specialties.length === 0 ? ['general'] : [specialties[index % specialties.length] ?? 'general'],
      capacity: profile === 'hostile' ? random.pick([1, 1, 2]) : 1,
      // The two ends meet often: that is what the margins are for.
      rate: random.chance(0.5) ? random.pick(rates) : random.between(...rates),
      wallOffsetMs: random.between(-wallOffsetMs, wallOffsetMs),
      ...(purses.chance(money.peers) && { dailyUsd: purses.magnitude(...money.peerUsd) }),
      ...mesh,
    }));
  }

  #beginPeople(): People {
    const { tasks, durationMs, specialties = [] } = this.#options;
    const random = this.#random.fork('people');
    const count = tasks === 0 ? random.pick(taskCounts) : tasks;
    const people = new People(this.#world, random, {
      tasks: count,
      durationMs,
      specialties,
      traits: this.#traits.people,
    });
    this.#observers.add(people);
    people.begin();
    return people;
  }

  /** A month later everybody is there, and what was known to have ended before still is. */
  #goOnHoliday(): void {
    const everybody = this.#replacement?.present ?? this.#world.names;
    const absent = everybody.filter((name) => !this.#living.includes(name));
    this.#living = everybody;
    new Holiday(this.#world, this.#random.fork('holiday'), this.#people).pass(absent);
    this.#untilAllEnded();
    this.#look();
  }

  #liveUntil(untilMs: number): void {
    while (this.#world.nowMs < untilMs) {
      this.#world.runFor(Math.min(progressEveryMs, untilMs - this.#world.nowMs));
      this.#tell(this.#world.nowMs / (untilMs + peaceMs));
    }
  }

  /** Whatever was wrong is over: the network is whole, agents succeed, and everybody is back, or enough of them. */
  #makePeace(): void {
    this.#world.network.calmDown();
    this.#workers.calmDown();
    this.#maintainers.calmDown();
    if (this.#faults === null) return;
    const present = this.#replacement?.present ?? this.#world.names;
    this.#living = this.#survivors.choose(present, this.#random.fork('survivors'), this.#hasHoliday);
    this.#faults.callOff(this.#living);
  }

  /**
   * The bound of I5. A PC whose key was rejected offers nothing for a quarter of an hour, which is longer than what follows
   * a refusal by a forge, a lease, a grant, or a lost elector takes to be dealt with; one whose budget is spent waits for the
   * next day. Then each slot may have to repeat the attempt that it found, and to work off its share of the queue.
   */
  #boundMs(): number {
    const [, longestMs] = this.#traits.agents.workMs;
    const open = this.#observers.history.tasks.length - this.#observers.history.ended;
    const turns = 2 * Math.ceil(open / this.#living.length);
    const { quotaRetryMs } = defaultTiming;
    const { dayMs, peers, meshes } = this.#traits.money;
    const longestWaitMs = Math.max(quotaRetryMs, peers + meshes > 0 ? dayMs : 0);
    return longestWaitMs + recoveryMs + turns * (longestMs + publishingMs);
  }

  #untilAllEnded(): void {
    const untilMs = this.#world.nowMs + this.#boundMs();
    for (let late = this.#unended(null); late !== null && this.#world.nowMs < untilMs; late = this.#unended(late))
      this.#world.runFor(stretchMs);
  }

  /** Somebody who does not know some task to have ended; the one of the last look first, who is often still the one. */
  #unended(last: Unended | null): Unended | null {
    if (last !== null && !this.#knowsEnd(last)) return last;
    for (const task of this.#known())
      for (const name of this.#living) if (!this.#knowsEnd({ task, name })) return { task, name };
    return null;
  }

  #knowsEnd({ task, name }: Unended): boolean {
    const phase = this.#world.phase(name, task);
    return phase !== null && ended.includes(phase);
  }

  /** What some living peer knows of, or has acknowledged: a record that was with one dead peer only may be gone. */
  #known(): readonly TaskId[] {
    const acknowledged = this.#observers.judge.acknowledged;
    return this.#observers.history.tasks.filter((task) => acknowledged.has(task) || this.#phaseOf(task) !== null);
  }

  #look(): void {
    this.#world.runFor(stretchMs);
    for (const task of this.#known()) {
      for (const peer of this.#living) {
        const phase = this.#world.phase(peer, task);
        this.#observers.see({ at: this.#world.nowMs, peer, type: 'shows', task, phase });
      }
    }
  }

  /** Nothing is left to do: what does a mesh say then? */
  #rest(): Traffic | null {
    const { traffic, names } = this.#world;
    if (this.#options.traffic !== true) {
      this.#world.runFor(restMs);
      return null;
    }
    const idleMs = measuredAdverts * Math.max(defaultTiming.advertEveryMs, (names.length * 1_000) / advertsPerSecond);
    const before = traffic.total();
    this.#world.runFor(idleMs);
    const after = traffic.total();
    const share = (idleMs / 1_000) * this.#living.length;
    this.#tell(1);
    return {
      ...before,
      messagesByPeer: Object.fromEntries(names.map((name) => [name, traffic.of(name).messages])),
      bytesByPeer: Object.fromEntries(names.map((name) => [name, traffic.of(name).bytes])),
      idleBytesPerPeerPerSecond: (after.bytes - before.bytes) / share,
      idleMessagesPerPeerPerSecond: (after.messages - before.messages) / share,
    };
  }

  #phaseOf(task: TaskId): Phase['name'] | null {
    for (const name of this.#living) {
      const phase = this.#world.phase(name, task);
      if (phase !== null) return phase;
    }
    return null;
  }

  #tell(done: number): void {
    this.#options.onProgress?.(done, this.#observers.history.ended);
  }
}
