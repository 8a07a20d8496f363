import { Failovers } from './failovers.ts';
import { History } from './history.ts';
import { EventLog } from './log.ts';
import { NamedEventCounter } from './named-events.ts';
import type { Observation, Observer } from './observation.ts';
import type { IdOf } from './oracles/oracle.ts';
import { Judge } from './oracles.ts';
import { peerIdOf } from './world.ts';

/** Passes on what is seen; the first finding of the judge ends the log, so that its last lines are the ones that matter. */
export class Observers implements Observer {
  readonly judge: Judge;
  readonly history = new History();
  readonly failovers: Failovers;
  readonly named: NamedEventCounter;
  readonly log = new EventLog();
  readonly #others: Observer[] = [];

  constructor(idOf: IdOf = peerIdOf) {
    this.judge = new Judge(idOf);
    this.failovers = new Failovers(idOf);
    this.named = new NamedEventCounter(this.judge.registers);
  }

  add(observer: Observer): void {
    this.#others.push(observer);
  }

  see(observation: Observation): void {
    if (this.judge.findings.length === 0) this.log.see(observation);
    this.judge.see(observation);
    this.named.see(observation);
    this.history.see(observation);
    this.failovers.see(observation);
    for (const observer of this.#others) observer.see(observation);
  }
}
