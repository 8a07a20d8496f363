import { type MessagePort, Worker } from 'node:worker_threads';
import type { RunOptions, RunResult } from '../../../test/sim/result.ts';
import type { Edit } from './mutant.ts';

type Progress = { readonly type: 'progress'; readonly done: number; readonly tasksEnded: number };
export type Answer =
  | { readonly type: 'result'; readonly result: RunResult }
  /** The run threw. */
  | { readonly type: 'threw'; readonly error: string };

/** The thread's half. */
export function answerRuns(port: MessagePort | null, run: (options: RunOptions) => RunResult): void {
  const say = (what: Progress | Answer): void => port?.postMessage(what);
  port?.on('message', (options: RunOptions) => {
    const onProgress = (done: number, tasksEnded: number): void => say({ type: 'progress', done, tasksEnded });
    try {
      say({ type: 'result', result: run({ ...options, onProgress }) });
    } catch (error) {
      say({ type: 'threw', error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/** Seeds take a fraction of a second; one that goes on for so long has no end. */
const patienceMs = 120_000;

/** A thread of edited code, for one run at a time. */
export class MutantThread {
  readonly #worker: Worker;
  #run: PromiseWithResolvers<Answer> | null = null;
  #onProgress: NonNullable<RunOptions['onProgress']> = () => {};
  #failure: Error | null = null;

  constructor(module: URL, edits: readonly Edit[]) {
    this.#worker = new Worker(module, { workerData: { edits } });
    this.#worker.on('message', (said: Progress | Answer) => this.#heard(said));
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.#fail(new Error('its thread ended')));
  }

  /** @throws when the code cannot be loaded, or the thread ends, or never answers. */
  async run({ onProgress = () => {}, ...options }: RunOptions): Promise<Answer> {
    if (this.#failure !== null) throw this.#failure;
    const run = Promise.withResolvers<Answer>();
    this.#run = run;
    this.#onProgress = onProgress;
    this.#worker.postMessage(options);
    const timer = setTimeout(() => this.#fail(new Error('its run has no end')), patienceMs);
    try {
      return await run.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #heard(said: Progress | Answer): void {
    if (said.type === 'progress') this.#onProgress(said.done, said.tasksEnded);
    else this.#run?.resolve(said);
  }

  #fail(why: Error): void {
    this.#failure ??= why;
    this.#run?.reject(this.#failure);
  }
}
