import {
  type Ballot,
  compareVersions,
  type Owner,
  sameBallot,
  sameOwner,
  sameVersion,
  type Version,
} from '../protocol/ballot.ts';
import {
  type GenerationId,
  type MonoMs,
  monoMs,
  type Now,
  type PeerId,
  type TaskId,
  type WallMs,
} from '../protocol/ids.ts';
import type { Accepted, Message, MessageOf } from '../protocol/messages.ts';
import type { TaskState } from '../protocol/state.ts';
import { majorityOf } from './electorate.ts';

/**
 * When a belief ends: on the monotonic clock, or when the wall clock has moved as far since the round was sent (P4).
 */
interface Deadline {
  readonly until: MonoMs;
  readonly sentWall: WallMs;
}

/** The last version sent, and who has acknowledged exactly it. */
interface Sent {
  readonly version: Version;
  readonly valueVersion: Version;
  readonly value: TaskState;
  readonly acks: Set<PeerId>;
  readonly rejections: Set<PeerId>;
}

/** The register that is led: one generation of a task, and the value it began with. */
export interface Register {
  readonly task: TaskId;
  readonly generation: GenerationId;
  readonly electors: readonly PeerId[];
  readonly initial: TaskState;
}

export interface Committed {
  readonly version: Version;
  readonly valueVersion: Version;
  readonly value: TaskState;
}

export interface Outgoing {
  readonly to: PeerId;
  readonly message: Message;
}

/** What a message led to. `committed` comes for renewals too; their value is that of the last write. */
export type ProposerEvent =
  | { readonly type: 'nothing' }
  | { readonly type: 'send'; readonly messages: readonly Outgoing[] }
  | { readonly type: 'committed'; readonly committed: Committed; readonly won: boolean }
  /** M2: a majority has acknowledged this one version, which is the seal. This proposer is idle again. */
  | { readonly type: 'sealed'; readonly value: TaskState }
  /** Another ballot or lease is in the way; this proposer is idle again. */
  | { readonly type: 'rejected' };

const nothing: ProposerEvent = { type: 'nothing' };

/**
 * One candidate for the lease of one task, and its holder once it has won: rules P1 to P6.
 *
 *   idle ─prepare→ preparing ─majority open→ accepting ─majority acked in time→ leading
 *     ↑                          └ the value is a seal → sealing ←─────── seal ────┤
 *     ├─────────────────────────── majority acked ────────┘                        │
 *     └────────────────── release, rejection, or the deadline passed ──────────────┘
 *
 * The in-flight deadline and the held one are kept apart: a round that is not answered extends nothing (P5).
 */
export class Proposer {
  readonly #register: Register;
  readonly #self: Owner;
  readonly #leaseMs: number;
  #highestRound = 0;
  #phase: 'idle' | 'preparing' | 'accepting' | 'leading' | 'sealing' = 'idle';
  #ballot: Ballot | null = null;
  /** By elector, never by message (P2). */
  #promises = new Map<PeerId, Accepted | null>();
  #rejections = new Set<PeerId>();
  #sent: Sent | null = null;
  #committed: Committed | null = null;
  #inFlight: Deadline | null = null;
  #held: Deadline | null = null;

  constructor(register: Register, self: Owner, leaseMs: number) {
    this.#register = register;
    this.#self = self;
    this.#leaseMs = leaseMs;
  }

  get register(): Register {
    return this.#register;
  }

  get ballot(): Ballot | null {
    return this.#ballot;
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  /** Waits for electors, with or without success: a round that takes too long is given up. */
  get isWaiting(): boolean {
    return this.#phase === 'preparing' || this.#phase === 'accepting' || this.#phase === 'sealing';
  }

  get committed(): Committed | null {
    return this.#committed;
  }

  /** The last value sent; before anything was, the initial one. A write is computed from it, committed or not (P5). */
  get latest(): TaskState {
    return this.#sent?.value ?? this.#register.initial;
  }

  /** A write has been sent that no majority has acknowledged yet. */
  get writing(): boolean {
    return (
      this.#sent !== null &&
      (this.#committed === null || !sameVersion(this.#sent.valueVersion, this.#committed.valueVersion))
    );
  }

  /** P4: asked in every handler, against the stored deadline; no timer decides this. */
  isLeader(now: Now): boolean {
    return this.#phase === 'leading' && this.#held !== null && this.#holds(this.#held, now);
  }

  /** Ballots of others count when the next one is chosen (P1). */
  noteRound(round: number): void {
    this.#highestRound = Math.max(this.#highestRound, round);
  }

  /** P1. idle | leading → preparing when it is this elector's turn, or a ballot was lost. */
  prepare(now: Now): readonly Outgoing[] {
    this.#highestRound += 1;
    const ballot: Ballot = { round: this.#highestRound, ...this.#self };
    this.#phase = 'preparing';
    this.#ballot = ballot;
    this.#promises = new Map();
    this.#rejections = new Set();
    this.#sent = null;
    this.#held = null;
    this.#inFlight = this.#deadline(now);
    return this.#toAll({ type: 'prepare', ...this.#names(), ballot });
  }

  /** P2, P3. preparing → accepting when a majority of electors has promised this very ballot and is open. */
  onPromise(from: PeerId, message: MessageOf<'promise'>, now: Now): ProposerEvent {
    const { ballot } = this;
    if (this.#phase !== 'preparing' || ballot === null || !sameBallot(message.ballot, ballot)) return nothing;
    if (!this.#register.electors.includes(from) || (message.lease !== null && !sameOwner(message.lease, this.#self)))
      return nothing;
    this.#promises.set(from, message.accepted);
    if (this.#promises.size < majorityOf(this.#register.electors.length) || !this.#inTime(now)) return nothing;

    const version: Version = { ballot, seq: 0 };
    const value = this.#highestReported();
    // M1: a sealed value makes nobody leader; it is only committed again.
    this.#phase = value.moved === null ? 'accepting' : 'sealing';
    this.#sent = {
      version,
      valueVersion: version,
      value,
      acks: new Set(),
      rejections: new Set(),
    };
    return { type: 'send', messages: this.#accepts('with-value') };
  }

  /** preparing → idle when so many electors have rejected it that no majority is left. */
  onPrepareReject(from: PeerId, message: MessageOf<'prepare-reject'>): ProposerEvent {
    if (message.promised !== null) this.noteRound(message.promised.round);
    if (this.#phase !== 'preparing' || this.#ballot === null || !sameBallot(message.ballot, this.#ballot))
      return nothing;
    return this.#rejected(from, this.#rejections);
  }

  /**
   * P4. accepting → leading at a majority of acks of exactly this version, before its in-flight deadline.
   * M2. sealing → idle at such a majority, however late: the seal gives no lease, and what a majority has is known.
   */
  onAccepted(from: PeerId, message: MessageOf<'accepted'>, now: Now): ProposerEvent {
    const sent = this.#sent;
    if (sent === null || this.#inFlight === null || !sameVersion(message.version, sent.version)) return nothing;
    if (!this.#register.electors.includes(from)) return nothing;
    sent.acks.add(from);
    if (sent.acks.size !== majorityOf(this.#register.electors.length)) return nothing;
    if (this.#phase === 'sealing') {
      this.stepDown();
      return { type: 'sealed', value: sent.value };
    }
    if (!this.#inTime(now)) return nothing;

    const won = this.#phase === 'accepting';
    this.#phase = 'leading';
    this.#held = this.#inFlight;
    this.#committed = { version: sent.version, valueVersion: sent.valueVersion, value: sent.value };
    return { type: 'committed', committed: this.#committed, won };
  }

  /**
   * An elector that lacks the value gets it, at the same version and so with the same deadline. A minority that is
   * still bound to an earlier leader does no harm; without a majority the ballot is lost.
   */
  onAcceptReject(from: PeerId, message: MessageOf<'accept-reject'>): ProposerEvent {
    if (message.promised !== null) this.noteRound(message.promised.round);
    const sent = this.#sent;
    if (sent === null || !sameVersion(message.version, sent.version)) return nothing;
    if (message.reason === 'need-value') {
      return { type: 'send', messages: this.#accepts('with-value').filter(({ to }) => to === from) };
    }
    return this.#rejected(from, sent.rejections);
  }

  /**
   * P5: a write takes the next seq and a new in-flight deadline, and is computed from the last value sent.
   * @throws when this peer is not the leader: asking first is the caller's duty.
   */
  write(change: (last: TaskState) => TaskState, now: Now): readonly Outgoing[] {
    const { version, value } = this.#expectLeading(now);
    const next: Version = { ballot: version.ballot, seq: version.seq + 1 };
    this.#inFlight = this.#deadline(now);
    this.#sent = { version: next, valueVersion: next, value: change(value), acks: new Set(), rejections: new Set() };
    return this.#accepts('with-value');
  }

  /**
   * M1: leading → sealing. The lease is given up before the seal is sent, not when it is acknowledged: from then on the
   * next generation may have a leader.
   * @throws when this peer is not the leader.
   */
  seal(change: (last: TaskState) => TaskState, now: Now): readonly Outgoing[] {
    const messages = this.write(change, now);
    this.#phase = 'sealing';
    this.#held = null;
    return messages;
  }

  /** P5: a renewal is a write of the same value; it carries versions only. */
  renew(now: Now): readonly Outgoing[] {
    const { version, valueVersion, value } = this.#expectLeading(now);
    this.#inFlight = this.#deadline(now);
    this.#sent = {
      version: { ballot: version.ballot, seq: version.seq + 1 },
      valueVersion,
      value,
      acks: new Set(),
      rejections: new Set(),
    };
    return this.#accepts('versions-only');
  }

  /** What is still unanswered, for an elector that could not answer before: the same versions, the same deadline. */
  pending(): readonly Outgoing[] {
    if (this.#phase === 'preparing' && this.#ballot !== null) {
      return this.#toAll({ type: 'prepare', ...this.#names(), ballot: this.#ballot });
    }
    return this.#accepts('with-value');
  }

  /** P6. → idle. It has stopped leading before the release is sent, and never uses the ballot again. */
  release(): readonly Outgoing[] {
    const { ballot } = this;
    this.stepDown();
    return ballot === null ? [] : this.#toAll({ type: 'release', ...this.#names(), ballot });
  }

  /** → idle: whatever was held is given up; the next ballot is a higher one. */
  stepDown(): void {
    this.#phase = 'idle';
    this.#ballot = null;
    this.#sent = null;
    this.#inFlight = null;
    this.#held = null;
    this.#promises = new Map();
  }

  #rejected(from: PeerId, rejections: Set<PeerId>): ProposerEvent {
    if (this.#register.electors.includes(from)) rejections.add(from);
    if (this.#register.electors.length - rejections.size >= majorityOf(this.#register.electors.length)) return nothing;
    this.stepDown();
    return { type: 'rejected' };
  }

  /** P3: the value of the highest version reported, whether or not its lease has expired. */
  #highestReported(): TaskState {
    let highest: Accepted | null = null;
    for (const accepted of this.#promises.values()) {
      if (accepted !== null && (highest === null || compareVersions(accepted.version, highest.version) > 0)) {
        highest = accepted;
      }
    }
    return highest === null ? this.#register.initial : highest.value;
  }

  #expectLeading(now: Now): Sent {
    if (!this.isLeader(now) || this.#sent === null)
      throw new Error(`bug: a write to ${this.#register.task} without its lease`);
    return this.#sent;
  }

  #accepts(form: 'with-value' | 'versions-only'): readonly Outgoing[] {
    if (this.#sent === null) return [];
    const { version, valueVersion, value } = this.#sent;
    return this.#toAll({
      type: 'accept',
      ...this.#names(),
      version,
      valueVersion,
      value: form === 'with-value' ? value : null,
    });
  }

  #toAll(message: Message): readonly Outgoing[] {
    return this.#register.electors.map((to) => ({ to, message }));
  }

  #names(): { readonly task: TaskId; readonly generation: GenerationId } {
    const { task, generation } = this.#register;
    return { task, generation };
  }

  #deadline(now: Now): Deadline {
    return { until: monoMs(now.monoMs + this.#leaseMs), sentWall: now.wallMs };
  }

  #inTime(now: Now): boolean {
    return this.#inFlight !== null && this.#holds(this.#inFlight, now);
  }

  #holds({ until, sentWall }: Deadline, now: Now): boolean {
    return now.monoMs < until && Math.abs(now.wallMs - sentWall) < this.#leaseMs;
  }
}
