import {
  type AcceptorState,
  liveLease,
  newAcceptor,
  onAccept,
  onPrepare,
  onRelease,
  restartAcceptor,
} from '../../src/election/acceptor.ts';
import { type Outgoing, Proposer, type ProposerEvent } from '../../src/election/proposer.ts';
import { monoMs, type Now, type PeerId, wallMs } from '../../src/protocol/ids.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { Timing } from '../../src/protocol/timing.ts';
import { EventQueue } from '../sim/queue.ts';
import { seeded } from '../sim/random.ts';
import { LeaseOracle, trailOf } from './lease-oracle.ts';
import { fivePeers } from './peers.ts';
import { register } from './rules/support.ts';

export interface ModelOptions {
  readonly seed: number;
  readonly electors: 3 | 5;
  /** The first of the electors, this many, try for the lease. */
  readonly proposers: 2 | 3;
  readonly timing: Pick<Timing, 'leaseMs' | 'electorLeaseMs' | 'renewEveryMs'>;
  /** The fastest clock against the slowest. */
  readonly driftMax: number;
  /** Whether the wall clock goes on while a peer sleeps. */
  readonly sleepShowsOnWall: boolean;
}

interface Node {
  readonly peer: PeerId;
  /** Its clocks' speed; 1 = true time. */
  readonly rate: number;
  /** Set for those that try for the lease. */
  readonly candidate: boolean;
  acceptor: AcceptorState;
  durable: Pick<AcceptorState, 'promised' | 'accepted'>;
  proposer: Proposer;
  incarnation: number;
  bootedAt: number;
  state: 'up' | 'down' | 'paused' | 'asleep';
  stillSince: number;
  recoverAt: number;
  sleptMs: number;
  wallOffsetMs: number;
  /** What it says reaches only itself until then. */
  cutUntil: number;
  held: (() => void)[];
  renewAt: number;
}

const faultyMs = 60_000;
const healedMs = 25_000;
const tickMs = 600;
const epoch = 1_750_000_000_000;

/**
 * A few electors and candidates on virtual time, with everything that may befall them: loss, copies, delays longer than a
 * lease, crashes and restarts, pauses, sleep, clocks that drift and jump, releases. Then the faults stop, and one must lead.
 */
export class LeaseModel {
  readonly oracle: LeaseOracle;
  readonly #options: ModelOptions;
  readonly #queue = new EventQueue();
  readonly #random: () => number;
  readonly #nodes: readonly Node[];
  /** A wall clock that both jumps and hides a sleep is beyond what is promised: a run has the one or the other. */
  readonly #jumps: boolean;
  #faulty = true;
  #writes = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#jumps = this.#chance(0.5);
    const peers = fivePeers.slice(0, options.electors);
    this.oracle = new LeaseOracle(peers.length);
    this.#nodes = peers.map((peer, index) => ({
      peer,
      rate: this.#rate(),
      candidate: index < options.proposers,
      acceptor: newAcceptor,
      durable: { promised: null, accepted: null },
      proposer: new Proposer({ ...register, electors: peers }, { peer, incarnation: 1 }, options.timing.leaseMs),
      incarnation: 1,
      bootedAt: 0,
      state: 'up',
      stillSince: 0,
      recoverAt: 0,
      sleptMs: 0,
      wallOffsetMs: 0,
      cutUntil: 0,
      held: [],
      renewAt: 0,
    }));
  }

  /** Runs the faults, then the healing. What is wrong, in words; empty when nothing is. */
  run(): readonly string[] {
    for (const node of this.#nodes) this.#tick(node);
    const watch = (): boolean => {
      this.oracle.leaders(
        this.#queue.nowMs,
        this.#nodes.filter((node) => this.#believes(node)).map(({ peer }) => peer),
      );
      return this.oracle.wrong.length > 0;
    };
    this.#queue.runUntil(faultyMs, watch);
    this.#heal();
    const before = this.oracle.counts.written;
    this.#queue.runUntil(faultyMs + healedMs, () => watch() || this.oracle.counts.written > before);
    if (this.oracle.wrong.length === 0 && this.oracle.counts.written === before)
      this.oracle.note('nobody could write though all faults had stopped');
    return this.oracle.wrong;
  }

  // ── what a node does by itself ─────────────────────────────────────────────────────────────────────────────────────

  #tick(node: Node): void {
    this.#queue.after(tickMs * (0.2 + this.#random()), () => this.#tick(node));
    if (this.#faulty) this.#befall(node);
    if (node.state === 'up' && node.candidate) this.#send(node, this.#act(node));
  }

  /** As soon as this elector knows of no lease any more. */
  #considerTurn(node: Node): void {
    const now = this.#now(node).monoMs;
    const lease = liveLease(node.acceptor, now);
    if (lease === null || !node.candidate || !this.#chance(0.5)) return;
    this.#queue.after((lease.until - now) / node.rate + this.#random() * 5, () => {
      if (node.state !== 'up' || !node.proposer.idle || liveLease(node.acceptor, this.#now(node).monoMs)) return;
      this.#send(node, node.proposer.prepare(this.#now(node)));
    });
  }

  #act(node: Node): readonly Outgoing[] {
    const { proposer } = node;
    const now = this.#now(node);
    if (proposer.isLeader(now)) return this.#lead(node, now);
    if (!proposer.idle) {
      if (this.#chance(0.4)) return proposer.pending();
      proposer.stepDown();
      return [];
    }
    const isHeld = liveLease(node.acceptor, now.monoMs) !== null;
    if (isHeld && !(this.#faulty && this.#chance(0.1))) return [];
    if (this.#chance(0.7)) proposer.noteRound(node.acceptor.promised?.round ?? 0);
    return this.#chance(0.7) ? proposer.prepare(now) : [];
  }

  #lead(node: Node, now: Now): readonly Outgoing[] {
    const { proposer } = node;
    if (this.#faulty && this.#chance(0.05)) {
      this.oracle.counts.released += 1;
      return proposer.release();
    }
    if (this.#faulty && this.#chance(0.04)) return proposer.prepare(now);
    if (this.#chance(0.5)) return this.#write(node, now);
    if (this.#chance(0.15)) return proposer.pending();
    if (this.#queue.nowMs < node.renewAt) return [];
    node.renewAt = this.#queue.nowMs + this.#options.timing.renewEveryMs / 2;
    return proposer.renew(now);
  }

  /** Every write adds to what the last one said, so that a lost one leaves a gap. */
  #write(node: Node, now: Now): readonly Outgoing[] {
    this.#writes += 1;
    const mark = `${this.#writes}/`;
    return node.proposer.write((last) => ({ ...last, trail: trailOf(last) + mark }), now);
  }

  #onMessage(node: Node, from: PeerId, message: Message): void {
    const now = this.#now(node);
    switch (message.type) {
      case 'prepare': {
        const { state, reply, durable } = onPrepare(node.acceptor, message, now.monoMs);
        this.#become(node, state, durable);
        return this.#send(node, [{ to: from, message: reply }]);
      }
      case 'accept': {
        const { electorLeaseMs } = this.#options.timing;
        const { state, reply, durable } = onAccept(node.acceptor, message, now.monoMs, electorLeaseMs);
        this.#become(node, state, durable);
        if (durable) this.#considerTurn(node);
        return this.#send(node, [{ to: from, message: reply }]);
      }
      case 'release':
        node.acceptor = onRelease(node.acceptor, message.ballot);
        return;
      case 'promise':
        return this.#onEvent(node, node.proposer.onPromise(from, message, now));
      case 'prepare-reject':
        return this.#onEvent(node, node.proposer.onPrepareReject(from, message));
      case 'accepted':
        return this.#onEvent(node, node.proposer.onAccepted(from, message, now));
      case 'accept-reject':
        return this.#onEvent(node, node.proposer.onAcceptReject(from, message));
      default:
        throw new Error(`nobody sends ${message.type} here`);
    }
  }

  #onEvent(node: Node, event: ProposerEvent): void {
    if (event.type === 'send') this.#send(node, event.messages);
    if (event.type === 'committed') this.oracle.committed(node.peer, event.committed, event.won);
  }

  #become(node: Node, state: AcceptorState, durable: boolean): void {
    node.acceptor = state;
    if (!durable) return;
    node.durable = { promised: state.promised, accepted: state.accepted };
    if (state.accepted !== null) this.oracle.accepted(node.peer, state.accepted);
  }

  // ── what befalls it ────────────────────────────────────────────────────────────────────────────────────────────────

  #befall(node: Node): void {
    const trueMs = this.#queue.nowMs;
    if (node.state !== 'up') {
      if (trueMs >= node.recoverAt) this.#recover(node);
      return;
    }
    const fate = this.#random() * (this.#believes(node) ? 1.5 : 5);
    if (fate > 0.2) return;
    const untilMs = trueMs + this.#random() * 10_000;
    if (fate < 0.05) node.cutUntil = untilMs;
    else if (fate < 0.07) node.wallOffsetMs += this.#jumps ? (this.#random() - 0.5) * 20_000 : 0;
    else {
      node.state = fate < 0.12 ? 'down' : this.#jumps ? 'paused' : 'asleep';
      node.stillSince = trueMs;
      node.recoverAt = untilMs;
    }
  }

  #recover(node: Node): void {
    const was = node.state;
    node.state = 'up';
    if (was === 'down') return this.#restart(node);
    if (was === 'asleep') node.sleptMs += this.#queue.nowMs - node.stillSince;
    for (const deliver of node.held.splice(0)) deliver();
  }

  #restart(node: Node): void {
    node.incarnation += 1;
    node.bootedAt = this.#queue.nowMs;
    node.sleptMs = 0;
    const electors = this.#nodes.map(({ peer }) => peer);
    const { leaseMs, electorLeaseMs } = this.#options.timing;
    node.proposer = new Proposer(
      { ...register, electors },
      { peer: node.peer, incarnation: node.incarnation },
      leaseMs,
    );
    node.acceptor = restartAcceptor(node.durable, this.#now(node).monoMs, electorLeaseMs);
  }

  #heal(): void {
    this.#faulty = false;
    for (const node of this.#nodes) {
      node.cutUntil = 0;
      if (node.state !== 'up') this.#recover(node);
    }
  }

  // ── clocks and the network ─────────────────────────────────────────────────────────────────────────────────────────

  #now(node: Node): Now {
    const trueMs = this.#queue.nowMs;
    const sleptMs = node.sleptMs + (node.state === 'asleep' ? trueMs - node.stillSince : 0);
    const hiddenMs = this.#options.sleepShowsOnWall ? 0 : sleptMs;
    return {
      monoMs: monoMs(node.rate * (trueMs - node.bootedAt - sleptMs)),
      wallMs: wallMs(epoch + node.wallOffsetMs + node.rate * (trueMs - hiddenMs)),
    };
  }

  #believes(node: Node): boolean {
    return node.state !== 'down' && node.proposer.isLeader(this.#now(node));
  }

  #send(node: Node, messages: readonly Outgoing[]): void {
    for (const { to, message } of messages) {
      const isCut = to !== node.peer && this.#queue.nowMs < node.cutUntil;
      if (isCut || (this.#faulty && this.#chance(0.06))) continue;
      this.#carry(node.peer, to, message);
      if (this.#faulty && this.#chance(0.05)) this.#carry(node.peer, to, message);
    }
  }

  #carry(from: PeerId, to: PeerId, message: Message): void {
    const isLong = this.#faulty && this.#chance(0.12);
    const delayMs = isLong ? this.#random() * 6_000 : 1 + this.#random() * 40;
    this.#queue.after(delayMs, () => this.#deliver(from, to, message));
  }

  #deliver(from: PeerId, to: PeerId, message: Message): void {
    const node = this.#nodes.find(({ peer }) => peer === to);
    if (node === undefined || node.state === 'down') return;
    if (from !== to && this.#queue.nowMs < node.cutUntil) return;
    if (node.state === 'up') return this.#onMessage(node, from, message);
    node.held.push(() => this.#deliver(from, to, message));
  }

  /** Often as fast or as slow as a clock may be: in between, less can go wrong. */
  #rate(): number {
    const slowness = this.#chance(0.4) ? 0 : this.#chance(0.7) ? 1 : this.#random();
    return 1 / (1 + slowness * (this.#options.driftMax - 1));
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }
}
