import { majorityOf } from '../../../src/election/electorate.ts';
import { generationOf } from '../../../src/protocol/generation.ts';
import type { BlobId, PeerId } from '../../../src/protocol/ids.ts';
import type { Task } from '../../../src/protocol/record.ts';
import { type AttemptRecord, Attempts, isNewer, type TaskState } from '../../../src/protocol/state.ts';
import type { Observation, ObservationOf, Observer } from '../observation.ts';
import { peerIdOf } from '../world.ts';
import type { Electorates, Report } from './oracle.ts';
import type { GrowingRegisters } from './registers.ts';

/**
 * I10: an attempt goes on from the newest checkpoint that was committed before it, which a majority of electors has had on
 * disk; and none begins after as many lapses without a new checkpoint in between as end a task.
 */
export class NewestCheckpoint implements Observer {
  readonly #report: Report;
  readonly #registers: GrowingRegisters;
  readonly #electorates: Electorates;
  readonly #keepers = new Map<BlobId, Set<PeerId>>();

  constructor(report: Report, registers: GrowingRegisters, electorates: Electorates) {
    this.#report = report;
    this.#registers = registers;
    this.#electorates = electorates;
  }

  see(observation: Observation): void {
    if (observation.type === 'checkpoint-kept') {
      const keepers = this.#keepers.get(observation.blob) ?? new Set();
      this.#keepers.set(observation.blob, keepers.add(peerIdOf(observation.peer)));
    } else if (observation.type === 'agent-started') {
      const wrong = this.#wrongWith(observation);
      if (wrong !== null)
        this.#report({ invariant: 'I10', at: observation.at, task: observation.job.task.id, text: wrong });
    }
  }

  #wrongWith({ peer, job }: ObservationOf<'agent-started'>): string | null {
    const { task, attempt, checkpoint } = job;
    const states = this.#registers.committed(task.id);
    const name = `attempt ${attempt} of ${peer}`;
    const missed = states.find(
      (state) => state.attemptsStarted < attempt && state.checkpoint !== null && isNewer(state.checkpoint, checkpoint),
    );
    // Of two lives of a task each has its own.
    if (missed !== undefined && !this.#electorates.mayFork(task.id))
      return `${name} goes on from ${checkpoint?.blob.slice(-6) ?? 'nothing'}, not from ${missed.checkpoint?.blob.slice(-6)}`;
    const assigned = states.find(({ attemptsStarted }) => attemptsStarted === attempt);
    const lapses = assigned === undefined ? 0 : lapsesInRow(assigned.attempts);
    if (lapses >= Attempts.maxLapses) return `${name} begins after ${lapses} lapses in a row`;
    if (checkpoint !== null && !this.#wasWithMajority(checkpoint.blob, task, states))
      return `${name} goes on from ${checkpoint.blob.slice(-6)}, which no majority ever had`;
    return null;
  }

  #wasWithMajority(blob: BlobId, task: Task, states: readonly TaskState[]): boolean {
    const keepers = this.#keepers.get(blob) ?? new Set();
    return states.some((state) => {
      const { electorate } = generationOf(task, state);
      return electorate.filter((peer) => keepers.has(peer)).length >= majorityOf(electorate.length);
    });
  }
}

/** Before the last attempt, since one that has saved something. */
function lapsesInRow(attempts: readonly AttemptRecord[]): number {
  let lapses = 0;
  for (const { outcome, checkpoints } of attempts.slice(0, -1).reverse()) {
    if (outcome?.type === 'lapsed') lapses += 1;
    if (checkpoints.length > 0) break;
  }
  return lapses;
}
