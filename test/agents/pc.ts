import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import {
  type AgentRunnerOptions,
  type ClosableAgentRunner,
  createAgentRunner,
} from '../../src/agents/attempt/runner.ts';
import type { NoExecutor } from '../../src/agents/executors/choose.ts';
import { CommandExecutor } from '../../src/agents/executors/command.ts';
import type { Executor } from '../../src/agents/executors/executor.ts';
import type { Job } from '../../src/protocol/agent.ts';
import { branchOf, type Task, type TaskBody } from '../../src/protocol/record.ts';
import type { Checkpoint, TaskResult } from '../../src/protocol/state.ts';
import { patientMs, waitFor } from '../support/wait.ts';
import { PathForge } from './path-forge.ts';
import {
  CheckpointFolderFiles,
  type Files,
  jobFor,
  makeRepository,
  person,
  personPushes,
  Reports,
  taskFor,
  thisHost,
  useFolder,
} from './support.ts';

/** Long enough for any step under a grant. */
export const validMs = 30_000;

/** An agent that changes something and says so. */
export const writes = 'echo b > b.txt; echo working';

/** What works on a task: a command, or another executor, or that there is none. */
export type Worker = string | Executor | NoExecutor;

/** A job that was given to a runner of its own. */
export interface Attempt {
  readonly agents: ClosableAgentRunner;
  readonly reports: Reports;
  readonly job: Job;
  /** Grants whatever is asked for. */
  published(): Promise<TaskResult>;
  /** Stops it as a peer does that stops itself; gives what it has saved last. */
  handedOver(): Promise<Checkpoint | null>;
  log(): Promise<string>;
  /** Resolves once the agent has said this line. */
  said(line: string): Promise<void>;
}

/** A PC where attempts are made at tasks of one repository: each test has one of its own, and its runners end with it. */
export function usePc(): Pc {
  const pc = new Pc(useFolder());
  beforeEach(() => pc.setUp());
  afterEach(() => pc.close());
  return pc;
}

class Pc {
  /** Where results go: at first a plain repository. */
  forge = new PathForge('');
  /** Of its runners, where a test does not say otherwise: none but what the attempt itself asks for. */
  readonly #defaults = {
    specialists: { specialists: [], problems: [] },
    checkpointEveryMs: 600_000,
    backoffMs: [1, 1],
  };
  readonly #folder: { readonly path: string };
  #runners: ClosableAgentRunner[] = [];

  constructor(folder: { readonly path: string }) {
    this.#folder = folder;
  }

  setUp(): void {
    this.forge = new PathForge(makeRepository(this.folder));
    this.#runners = [];
  }

  async close(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.close()));
  }

  get folder(): string {
    return this.#folder.path;
  }

  get origin(): string {
    return join(this.folder, 'origin.git');
  }

  get home(): string {
    return join(this.folder, 'home');
  }

  get checkpoints(): string {
    return join(this.folder, 'checkpoints');
  }

  /** What everything that was started from this home is marked with begins so. */
  get mark(): string {
    return `${createHash('sha256').update(this.home).digest('hex').slice(0, 16)}.`;
  }

  /** From now on results go to a forge that opens pull requests. */
  opensPullRequests(): void {
    this.forge = new PathForge(this.origin, true);
  }

  clones(): readonly string[] {
    return readdirSync(join(this.home, 'work'));
  }

  task(changes?: Partial<TaskBody>): Task {
    return taskFor(this.origin, changes);
  }

  runner(worker: Worker, changes: Partial<AgentRunnerOptions> = {}): ClosableAgentRunner {
    const runner = createAgentRunner({
      ...{ home: this.home, host: thisHost, files: new CheckpointFolderFiles(this.checkpoints) },
      executor: typeof worker === 'string' ? new CommandExecutor(worker) : worker,
      forgeFor: () => this.forge,
      ...this.#defaults,
      ...changes,
    });
    this.#runners.push(runner);
    return runner;
  }

  start(worker: Worker, job: Job = jobFor(this.task()), changes: Partial<AgentRunnerOptions> = {}): Attempt {
    const agents = this.runner(worker, changes);
    const reports = new Reports();
    agents.start(job, reports.take);
    return {
      ...{ agents, reports, job },
      published: async () => {
        const steps = this.forge.opensPullRequests ? (['push', 'open'] as const) : (['push'] as const);
        for (const [i, step] of steps.entries()) {
          await reports.wait('ready', i + 1);
          agents.publish(job.run, step, validMs);
        }
        return (await reports.wait('published')).result;
      },
      handedOver: async () => {
        agents.stop(job.run, 'draining');
        await reports.wait('stopped');
        return reports.lastCheckpoint;
      },
      log: async () => {
        const piece = await agents.readLog({ task: job.task.id, attempt: null, offset: 0, limitBytes: 100_000 });
        return 'text' in piece ? piece.text : '';
      },
      said: async (line) => {
        const isSaid = (): boolean => reports.of('progress').some(({ text }) => text === line);
        await waitFor(`the agent says ${line}`, isSaid, patientMs, () => reports.all);
      },
    };
  }

  /** The files of the work that a checkpoint has; afterwards they are in the repository too. */
  filesSaved({ blob, commit }: Checkpoint): readonly string[] {
    person(this.origin, 'fetch', '--quiet', join(this.checkpoints, blob), 'refs/mesh/work');
    return person(this.origin, 'ls-tree', '-r', '--name-only', commit).split('\n');
  }

  /** A person's commit, on a branch of the repository. */
  personPushes(files?: Files, branch?: string): string {
    return personPushes(this.folder, files, branch);
  }

  /** What git, with these arguments, says of the task's branch. */
  onBranch(task: Task, ...args: readonly string[]): string {
    return person(this.origin, ...args, branchOf(task));
  }

  /** The files of the task's branch. */
  filesOf(task: Task): readonly string[] {
    return this.onBranch(task, 'ls-tree', '-r', '--name-only').split('\n');
  }

  /** A file of the task's branch. */
  fileOf(task: Task, path: string): string {
    return person(this.origin, 'show', `${branchOf(task)}:${path}`);
  }

  /** What a trailer of the last commit on the task's branch says; empty without it. */
  trailerOf(task: Task, key: string): string {
    return this.onBranch(task, 'log', '-1', `--format=%(trailers:key=${key},valueonly)`).trim();
  }
}
