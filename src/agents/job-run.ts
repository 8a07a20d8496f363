import { randomUUID } from 'node:crypto';
import type { AgentReport, Job, PublishStep } from '../protocol/agent.ts';
import type { Access } from './access.ts';
import type { AttemptLog, AttemptLogs } from './attempt-log.ts';
import { bounded, type Ending, endingOf, failed, isDenied, refused } from './ending.ts';
import type { NoExecutor } from './executors/choose.ts';
import type { Executor, ExecutorEvent, ExecutorOutcome } from './executors/executor.ts';
import type { Forge, ForgeFor } from './forge/forge.ts';
import { Grants } from './grants.ts';
import { printable } from './lines.ts';
import { ProgressTeller } from './progress.ts';
import { promptFor } from './prompt.ts';
import { type Published, Publisher } from './publisher.ts';
import { retrying } from './retry.ts';
import type { Identity } from './snapshot.ts';
import type { Workspace, Workspaces } from './workspace.ts';

/** What all jobs of a peer share. */
export interface JobParts {
  readonly executor: Executor | NoExecutor;
  readonly forgeFor: ForgeFor;
  readonly workspaces: Workspaces;
  readonly access: Access;
  readonly logs: AttemptLogs;
  readonly identity: Identity;
  readonly backoffMs: readonly number[];
  /** The beginning of the marks of this home's processes. */
  readonly markPrefix: string;
}

/** One attempt from its start to its last report. */
export class JobRun {
  readonly #job: Job;
  readonly #parts: JobParts;
  readonly #report: (report: AgentReport) => void;
  readonly #abort = new AbortController();
  readonly #grants = new Grants();
  readonly #progress: ProgressTeller;
  #log: AttemptLog | null = null;
  #costUsd: number | null = null;

  constructor(job: Job, parts: JobParts, report: (report: AgentReport) => void) {
    this.#job = job;
    this.#parts = parts;
    this.#report = report;
    this.#progress = new ProgressTeller((text) => report({ type: 'progress', text, costUsd: this.#costUsd }));
  }

  grant(step: PublishStep, validMs: number): void {
    this.#grants.give(step, validMs);
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Resolves with the last report, which is for the caller to make: nothing of the job is left then. */
  async run(): Promise<Ending> {
    const ending = await this.#attempt().catch((error: unknown) => this.#endingOf(error));
    const last: Ending = this.#signal.aborted && ending.type !== 'published' ? { type: 'stopped' } : ending;
    this.#progress.close();
    this.#note(`ended: ${describeEnding(last)}`);
    this.#log?.close();
    return last;
  }

  get #signal(): AbortSignal {
    return this.#abort.signal;
  }

  async #attempt(): Promise<Ending> {
    const { task, attempt } = this.#job;
    const { forgeFor, executor, logs } = this.#parts;
    this.#signal.throwIfAborted();
    this.#log = logs.open(task.id, attempt);
    this.#note(`attempt ${attempt}: ${task.body.title}`);
    const forge = forgeFor(task.body.repository);
    if ('noAccess' in forge) return refused(`no access: ${forge.noAccess}`);
    const publisher = this.#publisher(forge);
    const earlier = await publisher.finishEarlier();
    if (earlier !== null) return this.#withCost(earlier);
    if ('reason' in executor) return refused(executor.reason);
    const workspace = await this.#openWorkspace(forge);
    try {
      return await this.#work(workspace, executor, publisher);
    } finally {
      // A folder that cannot be removed now goes at the next start.
      await workspace.remove().catch((error: unknown) => this.#note(String(error)));
    }
  }

  async #openWorkspace(forge: Forge): Promise<Workspace> {
    const { task, attempt } = this.#job;
    const { workspaces, identity, backoffMs, access } = this.#parts;
    this.#say('fetching the repository');
    const open = (): Promise<Workspace> => workspaces.open(task, attempt, forge.remote(), identity, this.#signal);
    const workspace = await retrying(open, backoffMs, this.#signal);
    access.allow(task.body.repository);
    return workspace;
  }

  async #work(workspace: Workspace, executor: Executor, publisher: Publisher): Promise<Ending> {
    const { task, attempt } = this.#job;
    this.#say(`the agent starts (${executor.name})`);
    const outcome = await executor.run(
      {
        task,
        attempt,
        prompt: promptFor(task),
        cwd: workspace.cwd,
        folder: workspace.folder,
        mark: `${this.#parts.markPrefix}${randomUUID()}`,
        signal: this.#signal,
      },
      (event) => this.#onEvent(event),
    );
    this.#signal.throwIfAborted();
    return outcome.type === 'finished' ? this.#finish(workspace, publisher, outcome) : this.#unfinished(outcome);
  }

  async #finish(
    workspace: Workspace,
    publisher: Publisher,
    { summary }: Extract<ExecutorOutcome, { type: 'finished' }>,
  ): Promise<Ending> {
    const { task, attempt } = this.#job;
    this.#say('the agent has finished; committing its work');
    const commit = await workspace.snapshot(task, attempt, this.#parts.identity, this.#signal);
    if (commit === null) {
      const said = summary === null ? 'it said nothing' : `it said: ${summary}`;
      return failed(`the agent changed nothing; ${said}`, this.#costUsd);
    }
    this.#say(`publishing ${commit.slice(0, 10)}`);
    return this.#withCost(await publisher.publish(commit, workspace.publishDir, summary));
  }

  #unfinished(outcome: Exclude<ExecutorOutcome, { type: 'finished' }>): Ending {
    switch (outcome.type) {
      case 'failed':
        return failed(outcome.reason, this.#costUsd);
      case 'quota':
        return { type: 'quota', until: outcome.until, reason: bounded(outcome.reason), costUsd: this.#costUsd };
      case 'interrupted':
        return { type: 'stopped' };
    }
  }

  #onEvent(event: ExecutorEvent): void {
    switch (event.type) {
      case 'progress':
        return this.#progress.say(event.text);
      case 'output':
        return this.#log?.write(printable(event.line));
      case 'usage':
        this.#costUsd = event.costUsd;
    }
  }

  #publisher(forge: Forge): Publisher {
    return new Publisher({
      job: this.#job,
      forge,
      grants: this.#grants,
      report: this.#report,
      backoffMs: this.#parts.backoffMs,
      signal: this.#signal,
    });
  }

  #withCost(published: Published): Ending {
    return published.type === 'published' || published.type === 'failed'
      ? { ...published, costUsd: this.#costUsd }
      : published;
  }

  #endingOf(error: unknown): Ending {
    const ending = endingOf(error, this.#costUsd);
    if (isDenied(error) && ending.type === 'refused') {
      this.#parts.access.deny(this.#job.task.body.repository, ending.reason);
    }
    return ending;
  }

  #say(text: string): void {
    this.#note(text);
    this.#progress.say(text);
  }

  #note(text: string): void {
    this.#log?.write(`[mesh] ${printable(text)}`);
  }
}

function describeEnding(ending: Ending): string {
  switch (ending.type) {
    case 'published':
      return `published as ${ending.result.pullRequest?.url ?? ending.result.branch}`;
    case 'stopped':
      return 'stopped';
    case 'failed':
    case 'refused':
    case 'quota':
      return `${ending.type}: ${ending.reason}`;
  }
}
