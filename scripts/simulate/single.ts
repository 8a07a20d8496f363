import { writeFileSync } from 'node:fs';
import type { Profile, RunOptions, RunResult } from '../../test/sim/result.ts';
import type { Context } from './context.ts';
import { plural } from './format.ts';
import type { Mutant } from './mutants/mutant.ts';
import { MutantThread } from './mutants/thread.ts';
import { Progress } from './progress.ts';
import { reportOf } from './report.ts';
import { summaryOf } from './summary.ts';
import { timelinePage } from './timeline/page.ts';
import { UsageError } from './usage.ts';
import { type Engine, exitCodeOf } from './violations.ts';

export interface SingleFlags {
  readonly peers: number;
  readonly tasks: number;
  readonly seed: number;
  readonly profile: Profile;
  /** Both in milliseconds; one at most is given. */
  readonly hours?: number;
  readonly minutes?: number;
  readonly specialties?: readonly string[];
  readonly engine: Engine;
  readonly mutant?: Mutant;
  readonly json?: true;
  readonly timeline?: string;
}

/** One run, told to a person or a program. */
export async function simulate(flags: SingleFlags, context: Context): Promise<void> {
  const options = runOptions(flags);
  if (flags.timeline !== undefined) claim(flags.timeline);
  const progress = new Progress(context.screen);
  const run = runnerOf(flags, context);
  const result = await run({
    ...options,
    traffic: true,
    onProgress: (done, ended) => progress.show(done, `${plural(ended, 'task')} ended`),
  });
  progress.clear();
  const told = summaryOf(options, result, flags.engine);
  const { mutant } = flags;
  const summary = mutant === undefined ? told : { ...told, replay: `${told.replay} --mutant ${mutant.id}` };
  context.out(flags.json === true ? JSON.stringify(summary) : reportOf(summary, result));
  if (flags.timeline !== undefined) {
    writeFileSync(flags.timeline, timelinePage(summary, result));
    context.err(`The timeline is in ${flags.timeline}: open it in a browser.`);
  }
  context.exit(exitCodeOf(result.violations));
}

type Runner = (options: RunOptions) => RunResult | Promise<RunResult>;

function runnerOf({ engine, mutant }: SingleFlags, { run, runLive, mutantWorker }: Context): Runner {
  if (mutant === undefined) return engine === 'core' ? run : runLive;
  if (engine !== 'core') throw new UsageError('--mutant runs in virtual time: leave out --engine');
  return async (options) => {
    const thread = new MutantThread(mutantWorker, mutant.edits);
    try {
      const answer = await thread.run(options);
      if (answer.type === 'threw') throw new Error(`${mutant.id}: ${answer.error}`);
      return answer.result;
    } finally {
      await thread.stop();
    }
  };
}

const usualMinutes = 30;
/** Room for one task on one peer: agents of the calm profile take four minutes at most, two on average. */
const minutesPerTask = 2.5;
const liveMs = 60_000;
const mostLivePeers = 20;

function runOptions({ seed, profile, peers, tasks, specialties, minutes, hours, engine }: SingleFlags): RunOptions {
  if (engine === 'libp2p' && (peers < 1 || peers > mostLivePeers || tasks < 1)) {
    throw new UsageError(`--engine libp2p runs 1 to ${mostLivePeers} peers with one task or more: say how many`);
  }
  const neededMinutes = Math.ceil((tasks * minutesPerTask) / Math.max(1, peers));
  const usualMs = engine === 'core' ? Math.max(usualMinutes, neededMinutes) * 60_000 : liveMs;
  const durationMs = minutes ?? hours ?? usualMs;
  return { seed, profile, peers, tasks, durationMs, ...(specialties === undefined ? {} : { specialties }) };
}

/** Better told before the run than after it. */
function claim(file: string): void {
  try {
    writeFileSync(file, '');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UsageError(`cannot write ${file}${why}: name a file in a folder that exists`);
  }
}
