import { randomUUID } from 'node:crypto';
import type { AgentReport, Fate, Job, PublishStep, StopReason } from '../../protocol/agent.ts';
import type { CommitId, TaskId } from '../../protocol/ids.ts';
import type { Checkpoint } from '../../protocol/state.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import type { CheckpointFiles } from '../checkpoint/files.ts';
import type { NoExecutor } from '../executors/choose.ts';
import type { Executor, ExecutorEvent } from '../executors/executor.ts';
import type { Forge, ForgeFor } from '../forge/forge.ts';
import { printable } from '../lines.ts';
import { ProcessTree } from '../processes/process-tree.ts';
import { whileStill } from '../processes/still.ts';
import { Grants } from '../publish/grants.ts';
import { type Published, Publisher } from '../publish/publisher.ts';
import type { Account } from '../publish/pull-request.ts';
import type { Sandboxes } from '../sandbox/sandbox.ts';
import { type Catalogue, chooseSpecialist } from '../specialists/catalogue.ts';
import type { Specialist } from '../specialists/specialist.ts';
import type { VerifySettings } from '../verify/choose.ts';
import { isVerified, verdictOf } from '../verify/verdict.ts';
import type { Identity } from '../workspace/commit.ts';
import type { FreeBytes } from '../workspace/space.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Workspaces } from '../workspace/workspaces.ts';
import type { Access } from './access.ts';
import type { AttemptLog, AttemptLogs } from './attempt-log.ts';
import { bounded, describeEnding, type Ending, endingOf, failed, isDenied, refused, stopped } from './ending.ts';
import { type Opened, openWorkspace } from './opening.ts';
import { ProgressTeller } from './progress.ts';
import { type Finished, isSaved, Work, type WorkOutcome } from './work.ts';

/** A checkpoint that takes longer is none. */
const packMs = 60_000;

/** What all jobs of a peer share. */
export interface JobParts {
  readonly executor: Executor | NoExecutor;
  readonly forgeFor: ForgeFor;
  readonly files: CheckpointFiles;
  readonly checkpointEveryMs: number;
  readonly workspaces: Workspaces;
  readonly access: Access;
  readonly specialists: Catalogue;
  readonly logs: AttemptLogs;
  readonly freeBytes: FreeBytes;
  readonly sandboxes: Sandboxes;
  readonly identity: Identity;
  readonly fateOf: (task: TaskId) => Fate;
  readonly verify: VerifySettings;
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
  /** The beginning of the marks of this attempt's processes. */
  readonly #mark: string;
  #log: AttemptLog | null = null;
  #costUsd: number | null = null;
  #stopped: StopReason | null = null;
  #work: Work | null = null;

  constructor(job: Job, parts: JobParts, report: (report: AgentReport) => void) {
    this.#job = job;
    this.#parts = parts;
    this.#mark = `${parts.markPrefix}${randomUUID()}.`;
    this.#report = report;
    this.#progress = new ProgressTeller((text) => report({ type: 'progress', text, costUsd: this.#costUsd }));
  }

  grant(step: PublishStep, validMs: number): void {
    this.#grants.give(step, validMs);
  }

  stop(reason: StopReason): void {
    this.#stopped ??= reason;
    this.#abort.abort();
  }

  /** Resolves with the last report, which is for the caller to make: nothing of the job is left then. */
  async run(): Promise<Ending> {
    const ending = await this.#attempt().catch((error: unknown) => this.#endingOf(error));
    const last: Ending = this.#signal.aborted && ending.type !== 'published' ? stopped(this.#costUsd) : ending;
    this.#progress.close();
    this.#note(`ended: ${describeEnding(last)}`);
    this.#log?.close();
    return last;
  }

  /** The attempt goes on elsewhere: what it has done so far is saved first. */
  get #isHandedOver(): boolean {
    return this.#stopped === 'draining' || this.#stopped === 'quota';
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
    const { workspace, saved } = await this.#open(forge, executor);
    let ending: Ending | null = null;
    try {
      ending = saved?.finished
        ? await this.#publishSaved(workspace, saved, publisher)
        : await this.#runAgent(workspace, executor, publisher);
      return ending;
    } finally {
      await this.#leave(workspace, ending);
    }
  }

  async #leave(workspace: Workspace, ending: Ending | null): Promise<void> {
    const isSettled = this.#parts.fateOf(this.#job.task.id) === 'settled';
    // What has filled the disk would go on doing so for as long as it is kept.
    const isTooMuch = this.#work !== null && this.#work.full !== null;
    const isUnwanted = ending?.type === 'published' || this.#stopped === 'cancelled' || isSettled || isTooMuch;
    try {
      const kept = await workspace.close(isUnwanted);
      if (kept !== null) this.#note(`its work is nowhere else, so it is kept for a while: ${kept}`);
    } catch (error) {
      // A folder that cannot be removed now goes at the next start.
      this.#note(String(error));
    }
  }

  async #open(forge: Forge, executor: Executor): Promise<Opened> {
    const { task } = this.#job;
    const { workspaces, files, identity, backoffMs, access } = this.#parts;
    const opened = await openWorkspace({
      job: this.#job,
      remote: forge.remote(),
      executor,
      workspaces,
      files,
      identity,
      backoffMs,
      signal: this.#signal,
      say: (text) => this.#say(text),
    });
    access.allow(task.body.repository);
    return opened;
  }

  async #runAgent(workspace: Workspace, executor: Executor, publisher: Publisher): Promise<Ending> {
    if (this.#isSpent()) return failed('nothing is left of what the task may cost', null, true);
    this.#say(`the agent starts (${executor.name})`);
    const checkpointer = this.#checkpointerFor(workspace, executor);
    const specialist = await this.#specialistFor(workspace);
    const sandbox = this.#parts.sandboxes.open((detail) =>
      this.#onEvent({ type: 'denied', tool: 'the network', detail }),
    );
    const work = new Work({
      job: this.#job,
      workspace,
      executor,
      specialist,
      sandbox,
      verify: this.#parts.verify,
      freeBytes: this.#parts.freeBytes,
      checkpointer,
      markPrefix: this.#mark,
      signal: this.#signal,
      onEvent: (event) => this.#onEvent(event),
      say: (text) => this.#say(text),
    });
    this.#work = work;
    const outcome = await work.run().finally(() => sandbox.close());
    const isPoor = outcome.type === 'quota' || (outcome.type === 'failed' && this.#isSpent());
    if ((this.#isHandedOver && !isSaved(outcome)) || isPoor) await checkpointer.make();
    this.#signal.throwIfAborted();
    if (outcome.type === 'unchanged') return this.#unchanged(outcome.summary);
    if (outcome.type !== 'finished') return this.#unfinished(outcome);
    const commit = await this.#withVerdict(workspace, outcome);
    await checkpointer.make(commit, true);
    return this.#publish(workspace, publisher, commit, outcome);
  }

  async #specialistFor({ clone }: Workspace): Promise<Specialist> {
    const { specialist, notes } = await chooseSpecialist(this.#job.task, this.#parts.specialists, clone);
    for (const note of notes) this.#note(note);
    return specialist;
  }

  /** It has cost what it may: another peer, or this one tomorrow, may have more to spend on the work. */
  #isSpent(): boolean {
    const { spendableUsd } = this.#job;
    return spendableUsd !== null && (this.#costUsd ?? 0) >= spendableUsd;
  }

  #checkpointerFor(workspace: Workspace, { session }: Executor): Checkpointer {
    const { task, attempt } = this.#job;
    const { files, checkpointEveryMs: everyMs } = this.#parts;
    return new Checkpointer({
      task,
      attempt,
      base: workspace.base.commit,
      sessionKind: session,
      saved: workspace.saved?.content ?? null,
      // Not the job's own signal: what is saved as the job is stopped is what it is all for.
      pack: (commit) =>
        workspace.pack(
          { hasSession: session !== null, commit, whileStill: this.#whileStill },
          AbortSignal.timeout(packMs),
        ),
      head: () => workspace.head(),
      start: workspace.start,
      files,
      onKept: (progress) => workspace.noteSaved(progress),
      report: this.#report,
      note: (text) => this.#note(text),
      everyMs,
    });
  }

  /** While nothing that the agent has started moves. */
  readonly #whileStill = <T>(read: () => Promise<T>): Promise<T> => whileStill(new ProcessTree(this.#mark), read);

  /** What was run to reach a verdict could write to where the commit is. */
  async #withVerdict(workspace: Workspace, { commit, verdict }: Finished): Promise<CommitId> {
    const verified = isVerified(verdict);
    return verified === null ? commit : workspace.retake(commit, verified, this.#signal);
  }

  /** I3: the commit carries this attempt's number, also where an earlier one has made it: the fence goes by that. */
  async #publishSaved(workspace: Workspace, { attempt }: Checkpoint, publisher: Publisher): Promise<Ending> {
    this.#say(`publishing what attempt ${attempt} has finished`);
    const verified = workspace.saved?.verified ?? null;
    const commit = await workspace.snapshot(this.#signal, verified);
    if (commit === null) return this.#unchanged(null);
    return this.#publish(workspace, publisher, commit, { summary: null, verdict: verdictOf(verified) });
  }

  async #publish({ publishDir }: Workspace, publisher: Publisher, commit: CommitId, account: Account): Promise<Ending> {
    this.#say(`publishing ${commit.slice(0, 10)}`);
    return this.#withCost(await publisher.publish(commit, publishDir, account));
  }

  #unchanged(summary: string | null): Ending {
    const said = summary === null ? 'it said nothing' : `it said: ${summary}`;
    return failed(`the agent changed nothing; ${said}`, this.#costUsd);
  }

  #unfinished(outcome: Exclude<WorkOutcome, { type: 'finished' | 'unchanged' }>): Ending {
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
      case 'denied':
        return this.#say(`not allowed: ${event.tool}, ${event.detail}`);
      case 'usage':
        this.#costUsd = event.costUsd;
        // The core counts what a day has cost by what it is told.
        this.#progress.again();
    }
  }

  #publisher(forge: Forge): Publisher {
    return new Publisher({
      job: this.#job,
      forge,
      grants: this.#grants,
      report: this.#report,
      costUsd: () => this.#costUsd,
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
    const ending = endingOf(error, this.#costUsd, this.#work?.hasBegun);
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
