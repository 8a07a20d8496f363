import type { AgentReport } from '../../protocol/agent.ts';
import { type CommitId, wallMs } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import type { Progress } from '../workspace/workspace.ts';
import type { CheckpointFiles } from './files.ts';

export interface CheckpointerParts {
  readonly task: Task;
  readonly attempt: number;
  readonly base: CommitId;
  /** Names the session's format; null where the executor has none. */
  readonly sessionKind: string | null;
  /** The content that the attempt has gone on from, which is no news; null where it started afresh. */
  readonly saved: string | null;
  /** The clone and the session as they are at this moment, packed into a file; null where nothing is worth saving. */
  readonly pack: (commit: CommitId | null) => Promise<Progress | null>;
  readonly files: CheckpointFiles;
  /** What has been saved on this PC. */
  readonly onKept: (progress: Progress) => Promise<void>;
  readonly report: (report: AgentReport) => void;
  readonly note: (text: string) => void;
  /** The commit that the clone is at, and where it was at first. */
  readonly head: () => Promise<CommitId | null>;
  readonly start: CommitId;
  readonly everyMs: number;
}

/** How often to look whether the agent has committed. */
const lookEveryMs = 2_000;

/**
 * Saves an attempt's progress while its agent works: at an interval, and whenever the agent has committed. One
 * checkpoint at a time, and none where nothing has changed. A checkpoint that cannot be made costs a line in the log,
 * never the attempt.
 */
export class Checkpointer {
  readonly #parts: CheckpointerParts;
  #last: string | null;
  #made = 0;
  #making: Promise<void> | null = null;
  #timers: readonly NodeJS.Timeout[] = [];
  #head: CommitId | null;

  constructor(parts: CheckpointerParts) {
    this.#parts = parts;
    this.#last = parts.saved;
    this.#head = parts.start;
  }

  start(): void {
    const { everyMs } = this.#parts;
    this.#timers = [
      setInterval(() => this.#due(), everyMs),
      setInterval(() => void this.#look(), Math.min(lookEveryMs, everyMs)),
    ];
  }

  /** No more by itself; resolves when none is being made. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    await this.#making;
  }

  /** One more, of the work as it is now, or of a commit of it. `finished`: it is what is to be published. */
  async make(commit: CommitId | null = null, finished = false): Promise<void> {
    await this.#making;
    await this.#begin(commit, finished);
  }

  #due(): void {
    if (this.#making === null && this.#timers.length > 0) void this.#begin(null, false);
  }

  async #look(): Promise<void> {
    if (this.#making !== null) return;
    const head = await this.#parts.head().catch(() => null);
    if (head === null || head === this.#head || this.#making !== null) return;
    this.#head = head;
    this.#due();
  }

  #begin(commit: CommitId | null, finished: boolean): Promise<void> {
    this.#making = this.#make(commit, finished).finally(() => {
      this.#making = null;
    });
    return this.#making;
  }

  async #make(commit: CommitId | null, finished: boolean): Promise<void> {
    const { pack, note } = this.#parts;
    try {
      const progress = await pack(commit);
      if (progress !== null) await this.#keep(progress, finished).finally(progress.discard);
    } catch (error) {
      note(`no checkpoint: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A commit that is to be published is news, whatever is in it. */
  async #keep(progress: Progress, finished: boolean): Promise<void> {
    const { file, content, commit, hasSession, leftOutBytes } = progress;
    const { task, attempt, base, sessionKind, files, onKept, report, note } = this.#parts;
    if (content === this.#last && !finished) return;
    if (leftOutBytes !== null) note(`saved without the agent's session: both together have ${inMiB(leftOutBytes)} MiB`);
    const { blob, bytes } = await files.keep(task.id, file);
    await onKept(progress);
    this.#last = content;
    this.#made += 1;
    const session = hasSession ? sessionKind : null;
    const at = wallMs(Date.now());
    report({
      type: 'checkpoint',
      checkpoint: { blob, bytes, base, commit, attempt, number: this.#made, finished, session, at },
    });
  }
}

const inMiB = (bytes: number): number => Math.ceil(bytes / 1024 / 1024);
