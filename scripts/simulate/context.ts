import type { RunOptions, RunResult } from '../../test/sim/result.ts';
import type { Screen } from './progress.ts';
import type { ExitCode } from './violations.ts';

/** What the commands need of the process around them; a test brings its own. */
export interface Context {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly screen: Screen;
  /** One run in virtual time. */
  readonly run: (options: RunOptions) => RunResult;
  /** The same on libp2p, in real time; loads what that needs. */
  readonly runLive: (options: RunOptions) => Promise<RunResult>;
  /** The module that a worker thread runs, see swarm-worker.ts. */
  readonly worker: URL;
  /** The same for edited code, see mutants/worker.ts. */
  readonly mutantWorker: URL;
  /** Ctrl-C or the like, from now on until what it returns is called; a second one ends the process as ever. */
  readonly onInterrupt: (stop: () => void) => () => void;
  readonly exit: (code: ExitCode) => void;
}
