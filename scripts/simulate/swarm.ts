import { availableParallelism } from 'node:os';
import { NamedEvents, type Profile } from '../../test/sim/result.ts';
import type { Context } from './context.ts';
import { count, duration, plural } from './format.ts';
import { SeedPool } from './pool.ts';
import { Progress } from './progress.ts';
import type { SwarmRun } from './swarm-thread.ts';
import { type Failure, type SwarmSummary, Tally } from './tally.ts';
import { type ExitCode, ExitCodes, violationText } from './violations.ts';

export interface SwarmFlags {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly workers?: number;
  readonly profile: Profile;
  readonly peers: number;
  readonly tasks: number;
  /** In milliseconds. */
  readonly minutes?: number;
  readonly json?: true;
}

const usualMs = 30 * 60_000;

/** Seeds side by side. What failed is told as it comes, the rest in a few lines at the end. */
export async function swarm(flags: SwarmFlags, context: Context): Promise<void> {
  const { profile, peers, tasks, seeds, firstSeed } = flags;
  const common: SwarmRun = { profile, peers, tasks, durationMs: flags.minutes ?? usualMs };
  const progress = new Progress(context.screen);
  const tally = new Tally(common);
  const begunMs = performance.now();
  const pool = new SeedPool({
    worker: context.worker,
    workers: flags.workers ?? availableParallelism(),
    firstSeed,
    seeds,
    run: common,
    onReport: (report) => {
      const failure = tally.add(report);
      if (failure !== null) {
        progress.clear();
        context.err(failureText(failure));
      }
      progress.show(tally.seeds / seeds, `${count(tally.seeds)} of ${plural(seeds, 'seed')}, ${tally.failing} failing`);
    },
  });
  let cutShort: readonly number[] | null = null;
  const release = context.onInterrupt(() => {
    cutShort = pool.underWay();
    pool.stop();
  });
  await pool.finish();
  release();
  progress.clear();

  const summary = tally.summary(performance.now() - begunMs, cutShort);
  context.out(flags.json === true ? JSON.stringify(summary) : swarmText(summary));
  context.exit(swarmExitCode(summary));
}

export function swarmExitCode({ failing, never, isEnough, cutShort }: SwarmSummary): ExitCode {
  if (failing.length > 0) return ExitCodes.unsafe;
  if (cutShort !== null) return ExitCodes.interrupted;
  return isEnough && never.length > 0 ? ExitCodes.unsafe : ExitCodes.fine;
}

const failureText = ({ seed, violations, lastEvents, error, replay }: Failure): string =>
  [
    `seed ${seed}: ${error ?? violations.map(violationText).join('; ')}`,
    ...lastEvents.map((line) => `  ${line}`),
    `  ${replay}`,
  ].join('\n');

/** The last line is the one that counts. */
export function swarmText(summary: SwarmSummary): string {
  const { profile, seeds, failing, occurred, never, isEnough, cutShort, seedsPerMinute, virtualMs } = summary;
  const events = NamedEvents.map((name) => `${count(occurred[name]).padStart(10)}  ${name}`);
  return [
    `Named events of ${plural(seeds, `${profile} seed`)}:`,
    ...events,
    `${count(seedsPerMinute)} seeds a minute, ${duration(virtualMs)} of virtual time`,
    ...(cutShort === null ? [] : [`Interrupted; under way: ${cutShort.join(', ') || 'none'}`]),
    ...(never.length === 0
      ? []
      : [`${isEnough ? 'Never met, so nothing is proved of' : 'Not met yet'}: ${never.join(', ')}`]),
    failing.length === 0 ? `${plural(seeds, 'seed')}, 0 violations` : failingText(summary),
  ].join('\n');
}

const failingText = ({ seeds, failing }: SwarmSummary): string =>
  `${plural(seeds, 'seed')}, ${count(failing.length)} failing: ${failing.map(({ seed }) => seed).join(', ')}; the first again: ${failing[0]?.replay}`;
