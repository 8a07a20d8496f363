import type { WallMs } from '../../protocol/ids.ts';
import { leftUsd } from '../../protocol/money.ts';
import type { Task } from '../../protocol/record.ts';
import type { OutputStream, SupervisedCommand } from '../processes/supervised.ts';
import type { Needs } from '../sandbox/sandbox.ts';
import type { Specialist } from '../specialists/specialist.ts';

/** Of one run of an agent. Who reaches one has failed. */
export interface RunLimits {
  readonly wallMs: number;
  /** The longest time without a line of output. */
  readonly idleMs: number;
  /** Calls of the model. */
  readonly turns: number;
  /** Null: nobody has said; an executor whose key is billed by use then takes `defaultCostUsd`. */
  readonly costUsd: number | null;
  /** What earlier runs of the same attempt have cost: `defaultCostUsd` is for all of them together. */
  readonly spentUsd?: number;
}

/** What an attempt may cost where nobody has said, in USD. */
const defaultCostUsd = 5;

/** What a run may cost whose key is billed by use, in USD. */
export const costLimitOf = ({ costUsd, spentUsd = 0 }: Pick<RunLimits, 'costUsd' | 'spentUsd'>): number =>
  costUsd ?? leftUsd(defaultCostUsd, spentUsd);

/** Of `idleMs`: a command of the agent's ends before its silence would end the run. */
export const commandShare = 0.8;

/** What an executor is given for one attempt. */
export interface ExecutorContext {
  readonly task: Task;
  readonly attempt: number;
  readonly specialist: Specialist;
  /** All that is to be done, for an agent that knows nothing yet. */
  readonly prompt: string;
  /** What to say where `sessionDir` holds a session to go on with: that it was interrupted, or what has failed. */
  readonly followUp: string | null;
  readonly limits: RunLimits;
  /** Whatever the executor starts goes through here first: the same command, confined to what is the attempt's own. */
  readonly confine: (command: SupervisedCommand, needs: Needs) => Promise<SupervisedCommand>;
  /** The agent's working folder: its clone, or the task's folder in it. */
  readonly cwd: string;
  /** An existing folder outside of the clone, for the executor's own files; gone after the job. */
  readonly folder: string;
  /** What the executor keeps here is saved with the work, and is here again for the attempt that goes on with it. */
  readonly sessionDir: string;
  /** Whatever the executor starts carries this mark, by `supervise`. */
  readonly mark: string;
  /** Aborted when the attempt is to stop: the outcome is then `interrupted`, once no process is left. */
  readonly signal: AbortSignal;
}

export type ExecutorEvent =
  /** One line of what is going on, for people. */
  | { readonly type: 'progress'; readonly text: string }
  /** Raw output, for the attempt's log. */
  | { readonly type: 'output'; readonly line: string; readonly stream: OutputStream }
  /** A tool that the agent was not allowed to use. */
  | { readonly type: 'denied'; readonly tool: string; readonly detail: string }
  /** Totals of this run so far, not increments. */
  | {
      readonly type: 'usage';
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly costUsd: number | null;
    };

export type ExecutorOutcome =
  /** `summary` is the agent's own account of its work, for the pull request. */
  | { readonly type: 'finished'; readonly summary: string | null }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'quota'; readonly until: WallMs | null; readonly reason: string }
  | { readonly type: 'interrupted' };

export type Usable =
  | { readonly usable: true }
  /** `mayPass`: nothing has to be mended in the set-up, as where a person has not logged in yet. */
  | { readonly usable: false; readonly reason: string; readonly mayPass?: boolean };

/** Runs an agent on a task. The work is what it leaves in its clone, committed or not. */
export interface Executor {
  readonly name: string;
  /** Names the format of what it keeps in `sessionDir`; null where it keeps nothing. */
  readonly session: string | null;
  /** Whether it can run on this PC now; the reason names the mend. */
  usable(): Promise<Usable>;
  /** Never rejects for what the agent does; a rejection is a fault of this PC (no space on its disk). */
  run(context: ExecutorContext, onEvent: (event: ExecutorEvent) => void): Promise<ExecutorOutcome>;
}
