import type { TaskId } from '../../src/protocol/ids.ts';
import type { Observation, Observer } from './observation.ts';
import { TrueAccounts } from './oracles/accounts.ts';
import { QuorateAttempts, WithinCapacity } from './oracles/attempts.ts';
import { NewestCheckpoint } from './oracles/checkpoints.ts';
import { DuplicatesEnd } from './oracles/duplicates.ts';
import { EndsAreFinal } from './oracles/ends.ts';
import { ForgeFence } from './oracles/forge.ts';
import { OneGrant } from './oracles/grants.ts';
import { OneLeader } from './oracles/lease.ts';
import { WithinMeans } from './oracles/means.ts';
import { Electorates, type Finding, type IdOf } from './oracles/oracle.ts';
import { Progress } from './oracles/progress.ts';
import { GrowingRegisters } from './oracles/registers.ts';
import { RoundsGoOn } from './oracles/rounds.ts';
import { OneOfTwins } from './oracles/twins.ts';
import type { Violation } from './result.ts';
import { peerIdOf, type World } from './world.ts';

/** A run that goes wrong soon goes wrong all over: the first findings tell why. */
const mostFindings = 20;

/** All oracles together, I1 to I12. */
export class Judge implements Observer {
  readonly findings: Finding[] = [];
  readonly registers: GrowingRegisters;
  readonly #electorates = new Electorates();
  readonly #progress: Progress;
  readonly #oracles: readonly Observer[];

  constructor(idOf: IdOf = peerIdOf) {
    const report = (finding: Finding): void => this.#note(finding);
    this.registers = new GrowingRegisters(report, this.#electorates);
    this.#progress = new Progress(report);
    this.#oracles = [
      this.#electorates,
      new OneLeader(report),
      this.registers,
      new ForgeFence(report),
      new OneOfTwins(report, idOf),
      this.#progress,
      new DuplicatesEnd(report),
      new QuorateAttempts(report, this.registers, idOf),
      new WithinCapacity(report),
      new EndsAreFinal(report, this.#electorates),
      new RoundsGoOn(report),
      new OneGrant(report),
      new NewestCheckpoint(report, this.registers, this.#electorates),
      new WithinMeans(report),
      new TrueAccounts(report, this.registers, this.#electorates),
    ];
  }

  see(observation: Observation): void {
    for (const oracle of this.#oracles) oracle.see(observation);
  }

  get violations(): readonly Violation[] {
    return this.findings.map(({ invariant, at, task, text }) => ({
      invariant,
      atMs: Math.round(at),
      text: task === null ? text : `task ${task.slice(0, 8)}: ${text}`,
    }));
  }

  get acknowledged(): ReadonlySet<TaskId> {
    return this.#progress.acknowledged;
  }

  /** The task that the first finding is about. */
  get suspect(): TaskId | null {
    return this.findings[0]?.task ?? null;
  }

  #note(finding: Finding): void {
    if (this.#electorates.isExempt(finding.invariant, finding.task) || this.findings.length >= mostFindings) return;
    this.findings.push(finding);
  }
}

/** What is wrong with a recorded run of the world so far; empty when every invariant held. */
export function violations(world: World): readonly string[] {
  const judge = new Judge();
  for (const observation of world.observed) judge.see(observation);
  return judge.violations.map(({ invariant, atMs, text }) => `${invariant} at ${atMs}: ${text}`);
}
