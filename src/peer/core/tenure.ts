import type { Proposer } from '../../election/proposer.ts';
import type { Ballot } from '../../protocol/ballot.ts';
import { type Generation, generationOf } from '../../protocol/generation.ts';
import type { PeerId, TaskId } from '../../protocol/ids.ts';
import { type ActivePhase, activePhase, seal, type TaskState } from '../../protocol/state.ts';
import { Alarm } from './alarm.ts';
import type { Parts } from './parts.ts';
import type { Seat } from './seats.ts';
import type { Step } from './step.ts';
import { Teller } from './teller.ts';

export type Change = (last: TaskState) => TaskState;

/**
 * One lease of one task in its leader's hands: the register is read and written through it, and it is given up here.
 * What is to be written, the other parts of the leadership decide.
 */
export class Tenure {
  readonly ballot: Ballot;
  readonly seat: Seat;
  readonly parts: Parts;
  readonly teller: Teller;
  readonly alarm: Alarm;
  readonly #proposer: Proposer;
  #hasEnded = false;

  constructor(ballot: Ballot, seat: Seat, proposer: Proposer, parts: Parts) {
    this.ballot = ballot;
    this.seat = seat;
    this.parts = parts;
    this.teller = new Teller(seat.task, parts);
    this.alarm = new Alarm({ type: 'leader', task: seat.task.id, ballot });
    this.#proposer = proposer;
  }

  get task(): TaskId {
    return this.seat.task.id;
  }

  /** The last state sent: what it says cannot be undone by this leader, committed or not. */
  get state(): TaskState {
    return this.#proposer.latest;
  }

  get active(): ActivePhase | null {
    return activePhase(this.state);
  }

  get generation(): Generation {
    return generationOf(this.seat.task, this.state);
  }

  get isWriting(): boolean {
    return this.#proposer.writing;
  }

  /** Any other attempt is over, or was of another life of the task: this leader's state has every one that ever was. */
  isCurrent(worker: PeerId, attempt: number): boolean {
    const { active } = this;
    return active?.worker === worker && active.attempt === attempt;
  }

  name(peer: PeerId): string {
    return this.parts.membership.nameOf(peer);
  }

  write(change: Change, step: Step): void {
    for (const { to, message } of this.#proposer.write(change, step.now)) step.send(to, message);
  }

  summarise(stalled: string | null, step: Step): void {
    const { committed } = this.#proposer;
    if (committed !== null) this.teller.summarise(committed, stalled, step);
  }

  answerStale(to: PeerId, attempt: number, step: Step): void {
    step.send(to, { type: 'heartbeat-ack', task: this.task, attempt, standing: 'stale' });
  }

  // ── its end ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing is left to lead: tells the electors how it stands, in the same frame as the release. */
  retire(stalled: string | null, step: Step): void {
    this.summarise(stalled, step);
    this.handOver(step);
  }

  /** Gives the lease up while the task goes on or waits: where there is reason to, another elector takes it at once. */
  handOver(step: Step): void {
    for (const { to, message } of this.#proposer.release()) step.send(to, message);
    this.#ended('released', step);
  }

  /** M1: → sealed. This peer leads no more from here on; what comes of the seal is not this leadership's business. */
  seal(next: Generation, step: Step): void {
    const messages = this.#proposer.seal((state) => seal(state, next), step.now);
    this.#ended('sealed', step);
    for (const { to, message } of messages) step.send(to, message);
    step.setTimer({ type: 'round', task: this.task, ballot: this.ballot }, this.parts.config.timing.roundMs);
  }

  /** The lease has gone without this peer's doing. What was sealed or released before is no loss. */
  lose(step: Step): void {
    if (!this.#hasEnded) this.#ended('lost', step);
  }

  #ended(change: 'lost' | 'released' | 'sealed', step: Step): void {
    this.#hasEnded = true;
    step.emit({ type: 'lease', task: this.task, change, ballot: this.ballot });
  }
}
