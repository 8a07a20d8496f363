import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type {
  AgentReport,
  AgentRunner,
  Aptitude,
  Fate,
  Job,
  LogPiece,
  LogQuery,
  PublishStep,
  StopReason,
} from '../../protocol/agent.ts';
import type { HostId, RunId, TaskId } from '../../protocol/ids.ts';
import type { Repository } from '../../protocol/record.ts';
import type { CheckpointFiles } from '../checkpoint/files.ts';
import type { NoExecutor } from '../executors/choose.ts';
import type { Executor } from '../executors/executor.ts';
import type { ForgeFor } from '../forge/forge.ts';
import { markGit } from '../git.ts';
import { ProcessTree } from '../processes/process-tree.ts';
import { defaultBackoffMs } from '../retry.ts';
import { noSandboxes, type Sandboxes } from '../sandbox/sandbox.ts';
import type { Catalogue } from '../specialists/catalogue.ts';
import { defaultVerify, type VerifySettings } from '../verify/choose.ts';
import type { Identity } from '../workspace/commit.ts';
import { removeFolder } from '../workspace/folders.ts';
import { Mirrors } from '../workspace/mirror.ts';
import { type FreeBytes, freeBytesOf } from '../workspace/space.ts';
import { Workspaces } from '../workspace/workspaces.ts';
import { Access } from './access.ts';
import { AttemptLogs } from './attempt-log.ts';
import { endingOf, refused } from './ending.ts';
import { type JobParts, JobRun } from './job-run.ts';

export interface AgentRunnerOptions {
  /** The peer's state folder. No other process uses it: the peer's store has locked it. */
  readonly home: string;
  readonly host: HostId;
  readonly executor: Executor | NoExecutor;
  readonly forgeFor: ForgeFor;
  readonly files: CheckpointFiles;
  readonly specialists: Catalogue;
  readonly checkpointEveryMs: number;
  /** What has to pass before a result is published. */
  readonly verify?: VerifySettings;
  /** For what is kept of tasks. */
  readonly fateOf?: (task: TaskId) => Fate;
  /** What agents are confined with; without it they are not. */
  readonly sandboxes?: Sandboxes;
  /** Author of commits; an agent's own commits keep theirs. */
  readonly identity?: Identity;
  /** Of the disk that `home` is on. */
  readonly freeBytes?: FreeBytes;
  /** Pauses between tries when the network fails, in milliseconds. */
  readonly backoffMs?: readonly number[];
}

export interface ClosableAgentRunner extends AgentRunner {
  /** A piece of the log of an attempt made on this PC. */
  readLog(query: LogQuery): Promise<LogPiece | { readonly unavailable: string }>;
  /** Stops every run; resolves when nothing of them is left. */
  close(): Promise<void>;
}

const defaultIdentity: Identity = { name: 'issue-mesh', email: 'issue-mesh@localhost' };

/** Runs this PC's attempts. What an earlier process of this home has left, folders and processes, is removed first. */
export function createAgentRunner(options: AgentRunnerOptions): ClosableAgentRunner {
  return new Runner(options);
}

class Runner implements ClosableAgentRunner {
  readonly #parts: JobParts;
  readonly #jobs = new Map<RunId, { readonly job: JobRun; readonly ended: Promise<void> }>();
  readonly #swept: Promise<void>;
  #closing = false;

  constructor(options: AgentRunnerOptions) {
    const { home, host, executor, forgeFor, files, specialists, checkpointEveryMs, freeBytes = freeBytesOf } = options;
    const mirrors = new Mirrors(home, freeBytes);
    const fateOf = options.fateOf ?? (() => 'unknown');
    this.#parts = {
      executor,
      forgeFor,
      files,
      specialists,
      checkpointEveryMs,
      workspaces: new Workspaces(home, mirrors, fateOf),
      access: new Access(host, forgeFor, mirrors),
      logs: new AttemptLogs(home),
      freeBytes,
      fateOf,
      sandboxes: options.sandboxes ?? noSandboxes,
      verify: options.verify ?? defaultVerify,
      identity: options.identity ?? defaultIdentity,
      backoffMs: options.backoffMs ?? defaultBackoffMs,
      markPrefix: `${createHash('sha256').update(resolve(home)).digest('hex').slice(0, 16)}.`,
    };
    markGit(`${this.#parts.markPrefix}git`);
    this.#swept = this.#sweep(home);
    // Told by the first job that needs it.
    this.#swept.catch(() => {});
  }

  start(job: Job, report: (report: AgentReport) => void): void {
    if (this.#closing || this.#jobs.has(job.run)) {
      const why = this.#closing ? 'this peer is stopping' : 'this attempt runs here already';
      setImmediate(() => report(refused(why)));
      return;
    }
    const run = new JobRun(job, this.#parts, report);
    const ended = this.#run(run).then((ending) => {
      this.#jobs.delete(job.run);
      report(ending);
    });
    this.#jobs.set(job.run, { job: run, ended });
  }

  publish(run: RunId, step: PublishStep, validMs: number): void {
    this.#jobs.get(run)?.job.grant(step, validMs);
  }

  stop(run: RunId, reason: StopReason): void {
    this.#jobs.get(run)?.job.stop(reason);
  }

  ended(): void {
    // What cannot be removed now goes at the next start.
    void this.#swept.then(() => this.#parts.workspaces.clean()).catch(() => {});
  }

  aptitude(repository: Repository): Aptitude {
    return this.#parts.access.aptitude(repository);
  }

  readLog(query: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    return this.#parts.logs.read(query);
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const { job } of this.#jobs.values()) job.stop('superseded');
    await Promise.all([...this.#jobs.values()].map(({ ended }) => ended));
    await this.#swept.catch(() => {});
  }

  async #run(run: JobRun) {
    try {
      await this.#swept;
      return await run.run();
    } catch (error) {
      return endingOf(error, null);
    }
  }

  async #sweep(home: string): Promise<void> {
    // Supervisors end what a killed peer has left; this is for a supervisor that was killed with it, and for git.
    await new ProcessTree(this.#parts.markPrefix).kill();
    await removeFolder(join(home, 'tmp'));
    await this.#parts.workspaces.sweep();
    await this.#parts.logs.prune((task) => this.#parts.fateOf(task as TaskId) === 'open');
  }
}
