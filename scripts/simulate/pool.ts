import { Worker } from 'node:worker_threads';
import { failedSeed, type SeedReport, type SwarmRun } from './swarm-thread.ts';

export interface PoolOptions {
  /** The module of a thread: answers each seed with a SeedReport. */
  readonly worker: URL;
  readonly workers: number;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly run: SwarmRun;
  readonly onReport: (report: SeedReport) => void;
}

/** Hands out seeds, in order, to threads that are free. `stop` ends it at once; what was under way is lost. */
export class SeedPool {
  readonly #options: PoolOptions;
  readonly #underWay = new Map<Worker, number>();
  readonly #ended = Promise.withResolvers<void>();
  #next: number;
  #isStopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#next = options.firstSeed;
  }

  /** Resolves when every seed has been reported, or when it was stopped. */
  async finish(): Promise<void> {
    const { workers, seeds } = this.#options;
    for (let index = 0; index < Math.min(workers, seeds); index += 1) this.#open();
    await this.#ended.promise;
    await Promise.all([...this.#underWay.keys()].map((worker) => worker.terminate()));
  }

  stop(): void {
    this.#isStopped = true;
    this.#ended.resolve();
  }

  /** The seeds that threads work on at this moment. */
  underWay(): readonly number[] {
    return [...this.#underWay.values()].toSorted((a, b) => a - b);
  }

  #open(): void {
    const worker = new Worker(this.#options.worker, { workerData: this.#options.run });
    worker.on('message', (report: SeedReport) => this.#answered(worker, report));
    let why: unknown = new Error('its thread ended');
    worker.on('error', (error) => {
      why = error;
    });
    worker.on('exit', () => this.#exited(worker, why));
    this.#give(worker);
  }

  #answered(worker: Worker, report: SeedReport): void {
    if (this.#isStopped) return;
    this.#underWay.delete(worker);
    this.#options.onReport(report);
    if (this.#isLeft()) return this.#give(worker);
    void worker.terminate();
    this.#endIfIdle();
  }

  /** What even the thread could not catch, out of memory for one: the seed has failed, and another thread goes on. */
  #exited(worker: Worker, why: unknown): void {
    const seed = this.#underWay.get(worker);
    if (seed === undefined || this.#isStopped) return;
    this.#underWay.delete(worker);
    this.#options.onReport(failedSeed(seed, why));
    if (this.#isLeft()) this.#open();
    else this.#endIfIdle();
  }

  #give(worker: Worker): void {
    this.#underWay.set(worker, this.#next);
    worker.postMessage(this.#next);
    this.#next += 1;
  }

  #isLeft(): boolean {
    return this.#next < this.#options.firstSeed + this.#options.seeds;
  }

  #endIfIdle(): void {
    if (this.#underWay.size === 0) this.#ended.resolve();
  }
}
