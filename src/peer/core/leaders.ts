import { Proposer, type ProposerEvent } from '../../election/proposer.ts';
import { type Ballot, sameBallot } from '../../protocol/ballot.ts';
import type { Now, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import { succeed, type TaskState } from '../../protocol/state.ts';
import { Leadership } from './leadership.ts';
import type { Moves } from './moves.ts';
import type { Parts } from './parts.ts';
import type { Register } from './registers.ts';
import type { Seats } from './seats.ts';
import type { Step } from './step.ts';

interface Candidacy {
  readonly proposer: Proposer;
  /** Set while this peer leads. */
  leadership: Leadership | null;
}

/** The messages that a worker or a bidder sends to whoever leads. */
export type ToLeader = MessageOf<'heartbeat' | 'publish-request' | 'outcome'>;

/**
 * The tasks that this peer tries to lead, or leads. It asks for a lease when it is its elector's turn, keeps it by
 * renewals, and passes on to the leadership what comes in while the lease is held: P4 is asked before every handler.
 */
export class Leaders {
  readonly #parts: Parts;
  readonly #seats: Seats;
  readonly #moves: Moves;
  readonly #candidacies = new Map<TaskId, Candidacy>();
  #draining = false;

  constructor(parts: Parts, seats: Seats, moves: Moves) {
    this.#parts = parts;
    this.#seats = seats;
    this.#moves = moves;
  }

  get held(): number {
    return this.#candidacies.size;
  }

  /** Whether this peer holds the task's lease at this moment (P4). */
  leads(task: TaskId, now: Now): boolean {
    return this.#candidacies.get(task)?.proposer.isLeader(now) === true;
  }

  /** It is this elector's turn (P1). */
  campaign(task: TaskId, step: Step): void {
    const register = this.#parts.registers.current(task);
    if (register === undefined || this.#draining) return;
    const candidacy = this.#candidacyFor(register, step);
    if (!candidacy.proposer.idle) return;
    const { promised, lease } = register.acceptor;
    candidacy.proposer.noteRound(Math.max(promised?.round ?? 0, lease?.ballot.round ?? 0));
    for (const { to, message } of candidacy.proposer.prepare(step.now)) step.send(to, message);
    const { ballot } = candidacy.proposer;
    if (ballot !== null) step.setTimer({ type: 'round', task, ballot }, this.#seats.patienceMs(task));
  }

  onElection(
    from: PeerId,
    message: MessageOf<'promise' | 'prepare-reject' | 'accepted' | 'accept-reject'>,
    step: Step,
  ): void {
    const candidacy = this.#candidacies.get(message.task);
    if (candidacy === undefined || candidacy.proposer.register.generation !== message.generation) return;
    const { proposer } = candidacy;
    switch (message.type) {
      case 'promise':
        return this.#onEvent(message.task, candidacy, proposer.onPromise(from, message, step.now), step);
      case 'prepare-reject':
        return this.#onEvent(message.task, candidacy, proposer.onPrepareReject(from, message), step);
      case 'accepted':
        return this.#onEvent(message.task, candidacy, proposer.onAccepted(from, message, step.now), step);
      case 'accept-reject':
        return this.#onEvent(message.task, candidacy, proposer.onAcceptReject(from, message), step);
    }
  }

  /** A peer that does not lead says so, and the worker goes on looking. */
  onWorkerMessage(from: PeerId, message: ToLeader, step: Step): void {
    const leadership = this.#leading(message.task, step);
    if (leadership !== null) {
      switch (message.type) {
        case 'heartbeat':
          return leadership.onHeartbeat(from, message, step);
        case 'publish-request':
          return leadership.onPublishRequest(from, message, step);
        case 'outcome':
          return leadership.onOutcome(from, message, step);
      }
    }
    if (message.type !== 'heartbeat') return;
    const { task, attempt } = message;
    step.send(from, { type: 'heartbeat-ack', task, attempt, standing: 'unknown' });
  }

  /** Something that a leadership decides by has changed: an answer, a cancel, a rival task, who is there. */
  consider(task: TaskId, step: Step): void {
    this.#leading(task, step)?.drive(step);
  }

  considerAll(step: Step): void {
    for (const task of this.#candidacies.keys()) this.consider(task, step);
  }

  onPeerGone(peer: PeerId, reason: string, step: Step): void {
    for (const task of this.#candidacies.keys()) this.#leading(task, step)?.onPeerGone(peer, reason, step);
  }

  /** An elector has got the record that it had missed: asks it again what it could not answer. */
  onElectorReady(task: TaskId, elector: PeerId, step: Step): void {
    const candidacy = this.#candidacies.get(task);
    if (candidacy === undefined) return;
    for (const { to, message } of candidacy.proposer.pending()) if (to === elector) step.send(to, message);
  }

  onRoundTimer(task: TaskId, ballot: Ballot, step: Step): void {
    const candidacy = this.#candidacies.get(task);
    if (!isAt(candidacy, ballot) || !candidacy.proposer.isWaiting) return;
    this.#lost(task, candidacy, step);
  }

  onRenewTimer(task: TaskId, ballot: Ballot, step: Step): void {
    const candidacy = this.#candidacies.get(task);
    if (!isAt(candidacy, ballot) || candidacy.leadership === null || candidacy.proposer.isWaiting) return;
    if (!candidacy.proposer.isLeader(step.now)) return this.#lost(task, candidacy, step);
    for (const { to, message } of candidacy.proposer.renew(step.now)) step.send(to, message);
    step.setTimer({ type: 'renew', task, ballot }, this.#parts.config.timing.renewEveryMs);
  }

  onLeaderTimer(task: TaskId, ballot: Ballot, step: Step): void {
    const leadership = this.#leading(task, step);
    if (leadership !== null && sameBallot(leadership.ballot, ballot)) leadership.onTimer(step);
  }

  /** The clocks cannot be trusted over the gap: everything held is given up before anything else is handled. */
  dropAll(step: Step): void {
    for (const [task, candidacy] of this.#candidacies) if (!candidacy.proposer.idle) this.#lost(task, candidacy, step);
  }

  /** Leads nothing from now on; whoever is next in rank takes over at once. */
  drain(step: Step): void {
    this.#draining = true;
    for (const { leadership, proposer } of this.#candidacies.values()) {
      if (leadership !== null && proposer.isLeader(step.now)) leadership.handOver(step);
    }
    this.#candidacies.clear();
  }

  /** The task lives in another generation: what this peer held of its own is over. */
  onNews(task: TaskId, step: Step): void {
    const candidacy = this.#candidacies.get(task);
    if (candidacy === undefined) return;
    const register = this.#parts.registers.at(task, candidacy.proposer.register.generation);
    if (register !== undefined && this.#parts.registers.isOver(register)) this.#giveUp(task, candidacy, step);
  }

  /** leading | candidate → gone: the task has ended. */
  forget(task: TaskId, step: Step): void {
    const candidacy = this.#candidacies.get(task);
    if (candidacy !== undefined) this.#giveUp(task, candidacy, step);
  }

  #onEvent(task: TaskId, candidacy: Candidacy, event: ProposerEvent, step: Step): void {
    switch (event.type) {
      case 'nothing':
        return;
      case 'send':
        for (const { to, message } of event.messages) step.send(to, message);
        return;
      case 'rejected':
        return this.#lost(task, candidacy, step);
      case 'sealed':
        return this.#sealed(task, event.value, step);
      case 'committed':
        if (event.won) this.#won(task, candidacy, step);
        else candidacy.leadership?.committed(step);
    }
  }

  #won(task: TaskId, candidacy: Candidacy, step: Step): void {
    const { ballot } = candidacy.proposer;
    const seat = this.#seats.get(task);
    if (ballot === null || seat === undefined) return;
    candidacy.leadership = new Leadership(ballot, seat, candidacy.proposer, this.#parts);
    step.emit({ type: 'lease', task, change: 'won', ballot });
    step.setTimer({ type: 'renew', task, ballot }, this.#parts.config.timing.renewEveryMs);
    candidacy.leadership.begin(step);
  }

  /** M2: the seal is committed, so its next electors may be installed. */
  #sealed(id: TaskId, value: TaskState, step: Step): void {
    this.#candidacies.delete(id);
    const entry = this.#parts.catalogue.get(id);
    if (entry === undefined || value.moved === null) return;
    this.#moves.begin(entry.task, value.moved, succeed(value, value.moved), 'its electors have changed', step);
  }

  /** leading | candidate → idle: tries again later, should the task still want a leader then. */
  #lost(task: TaskId, candidacy: Candidacy, step: Step): void {
    candidacy.leadership?.lose(step);
    candidacy.leadership = null;
    candidacy.proposer.stepDown();
    this.#seats.retryTurn(task, step);
  }

  /** leading | candidate → gone: the register is over. */
  #giveUp(task: TaskId, { leadership, proposer }: Candidacy, step: Step): void {
    leadership?.lose(step);
    proposer.stepDown();
    this.#candidacies.delete(task);
  }

  /** The leadership of a task whose lease is held at this moment (P4). */
  #leading(task: TaskId, step: Step): Leadership | null {
    const candidacy = this.#candidacies.get(task);
    return candidacy?.proposer.isLeader(step.now) ? candidacy.leadership : null;
  }

  #candidacyFor({ task, generation, initial }: Register, step: Step): Candidacy {
    const known = this.#candidacies.get(task);
    if (known?.proposer.register.generation === generation.id) {
      known.leadership = known.proposer.idle ? null : known.leadership;
      return known;
    }
    const { self, incarnation, timing } = this.#parts.config;
    if (known !== undefined) this.#giveUp(task, known, step);
    const register = { task, generation: generation.id, electors: generation.electorate, initial };
    const proposer = new Proposer(register, { peer: self, incarnation }, timing.leaseMs);
    const candidacy: Candidacy = { proposer, leadership: null };
    this.#candidacies.set(task, candidacy);
    return candidacy;
  }
}

const isAt = (candidacy: Candidacy | undefined, ballot: Ballot): candidacy is Candidacy => {
  const at = candidacy?.proposer.ballot ?? null;
  return at !== null && sameBallot(at, ballot);
};
