import type { RunId } from '../../../src/protocol/ids.ts';
import type { Observation, Observer } from '../observation.ts';
import type { IdOf, Report } from './oracle.ts';
import type { GrowingRegisters } from './registers.ts';

/**
 * I6: no attempt starts on the side of a partition without the majority of its electorate. What is started was assigned,
 * to this peer, on the disks of a majority; and the same attempt is started once.
 */
export class QuorateAttempts implements Observer {
  readonly #report: Report;
  readonly #registers: GrowingRegisters;
  readonly #idOf: IdOf;
  readonly #starters = new Map<RunId, string>();

  constructor(report: Report, registers: GrowingRegisters, idOf: IdOf) {
    this.#report = report;
    this.#registers = registers;
    this.#idOf = idOf;
  }

  see(observation: Observation): void {
    if (observation.type !== 'agent-started') return;
    const { at, peer, job } = observation;
    const task = job.task.id;
    const worker = this.#idOf(peer);
    const isCommitted = this.#registers
      .committed(task)
      .some(({ attempts }) => attempts.some((one) => one.number === job.attempt && one.worker === worker));
    if (!isCommitted) {
      const text = `${peer} starts attempt ${job.attempt}, which no majority has assigned to it`;
      this.#report({ invariant: 'I6', at, task, text });
    }
    const before = this.#starters.get(job.run);
    if (before !== undefined)
      this.#report({
        invariant: 'I6',
        at,
        task,
        text: `${peer} starts attempt ${job.attempt}, as ${before} did before`,
      });
    this.#starters.set(job.run, peer);
  }
}

/** I7: no peer runs more attempts than its capacity. */
export class WithinCapacity implements Observer {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    if (observation.type !== 'agent-started' || observation.running <= observation.capacity) return;
    const { at, peer, job, running, capacity } = observation;
    this.#report({
      invariant: 'I7',
      at,
      task: job.task.id,
      text: `${peer} runs ${running} attempts, and can run ${capacity}`,
    });
  }
}
