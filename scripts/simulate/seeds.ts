import type { Figure } from '../bench/figures.ts';
import type { Context } from './context.ts';
import { count, percent } from './format.ts';
import { profiled } from './profile.ts';
import { Progress } from './progress.ts';

export interface SeedsFlags {
  readonly seeds: number;
  readonly json?: true;
}

const aim = 100;
/** Once more under the profiler, which costs some of the speed that was to be measured. */
const profiledSeeds = 10;

/** How fast the simulator is, on the one core that this thread has, and where its time goes. */
export function seeds(flags: SeedsFlags, context: Context): void {
  const progress = new Progress(context.screen);
  const rate = seedRate(context.run, flags.seeds, (done) =>
    progress.show(done / flags.seeds, `${done} of ${flags.seeds} seeds`),
  );
  const shares = profiled(() => void seedRate(context.run, Math.min(flags.seeds, profiledSeeds)));
  progress.clear();
  if (flags.json === true) return context.out(JSON.stringify({ ...rate, shares }));
  context.out(
    [
      `${count(rate.value)} seeds a minute on one core: 5 peers, 10 tasks, 30 virtual minutes of hostile (aim ${aim})`,
      ...shares.map(({ part, share }) => `${percent(share).padStart(6)}  ${part}`),
    ].join('\n'),
  );
}

/** A figure of the benchmark. */
export function seedRate(run: Context['run'], seeds: number, onSeed: (done: number) => void = () => {}): Figure {
  const begunMs = performance.now();
  for (let seed = 1; seed <= seeds; seed += 1) {
    run({ seed, profile: 'hostile', peers: 5, tasks: 10, durationMs: 30 * 60_000 });
    onSeed(seed);
  }
  const value = (seeds * 60_000) / (performance.now() - begunMs);
  return { name: 'simulated seeds, on one core', value: Math.round(value * 10) / 10, unit: '/min', aim };
}
