/** What a seeded run is asked for, and what it tells: the simulator's interface to its tools and tests. */

export const Profiles = ['calm', 'rough', 'hostile'] as const;
/** How much goes wrong: nothing; what happens on a bad day; everything, all the time. */
export type Profile = (typeof Profiles)[number];

export interface RunOptions {
  readonly seed: number;
  readonly profile: Profile;
  /** 0 = by the seed. */
  readonly peers: number;
  /** 0 = by the seed. */
  readonly tasks: number;
  /** Length of the phase of faults (and of submissions), virtual. */
  readonly durationMs: number;
  /** By peer, round robin; empty = every peer `general`. */
  readonly specialties?: readonly string[];
  /** Size every message with the product's codec. */
  readonly traffic?: boolean;
  /** Called now and then with virtual progress, from 0 to 1. */
  readonly onProgress?: (done: number, tasksEnded: number) => void;
}

/** `invariant` is one of I1 to I12. */
export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly text: string;
}

/** One run of one attempt by one worker, as it was at true time; `endedMs` is null while it runs. */
export interface AttemptSpan {
  readonly number: number;
  readonly worker: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly how: string | null;
}

/** A peer's own belief that it leads. */
export interface LeaderSpan {
  readonly peer: string;
  readonly fromMs: number;
  readonly untilMs: number | null;
}

export interface TaskHistory {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly submittedMs: number;
  readonly endedMs: number | null;
  /** How long its agent takes when nothing disturbs it. */
  readonly workMs: number;
  readonly attempts: readonly AttemptSpan[];
  readonly leaders: readonly LeaderSpan[];
  readonly pullRequests: number;
}

export interface FaultSpan {
  readonly kind: string;
  readonly peers: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number | null;
}

export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
  readonly messagesByPeer: Readonly<Record<string, number>>;
  readonly bytesByPeer: Readonly<Record<string, number>>;
  /** Measured over a stretch without tasks at the end of the run. */
  readonly idleBytesPerPeerPerSecond: number;
  readonly idleMessagesPerPeerPerSecond: number;
}

export interface RunResult {
  readonly seed: number;
  readonly profile: Profile;
  readonly peers: readonly string[];
  readonly virtualMs: number;
  readonly events: number;
  readonly violations: readonly Violation[];
  readonly occurred: Readonly<Record<NamedEvent, number>>;
  /** Hex hash over every event in order: the same seed gives the same one in any process. */
  readonly trace: string;
  /** The events that matter for the first violation, oldest first; empty where there is none. */
  readonly lastEvents: readonly string[];
  readonly tasks: readonly TaskHistory[];
  readonly faults: readonly FaultSpan[];
  /** Worker lost (crash, pause, sleep, cut off) → next attempt started. */
  readonly failoversMs: readonly number[];
  /** The same where for a while in between no majority of the task's electors was together. */
  readonly headlessFailoversMs: readonly number[];
  readonly traffic: Traffic | null;
}

/** What a swarm of hostile runs must meet, or it has proved nothing about it. */
export const NamedEvents = [
  'lease-lost-while-publishing',
  'late-push-refused',
  'generation-moved',
  'restart-with-live-lease',
  'duplicate-records-met',
  'woke-with-held-lease',
  'two-pc-takeover',
  'fork-met',
  'merged-before-late-push',
  'resumed-from-checkpoint',
  'handed-over-for-quota',
  'task-budget-spent',
  'disk-lost',
  'end-learned-from-tombstone',
  'next-round-after-pruning',
] as const;
export type NamedEvent = (typeof NamedEvents)[number];
