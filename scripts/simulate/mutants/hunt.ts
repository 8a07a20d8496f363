import type { RunOptions, Violation } from '../../../test/sim/result.ts';
import type { Invariant, Mutant } from './mutant.ts';
import { type Answer, MutantThread } from './thread.ts';

/** What every run of a hunt has in common. */
export type HuntRun = Omit<RunOptions, 'seed' | 'onProgress'>;

export type Verdict =
  /** `text` is what the oracle had to say. */
  | { readonly type: 'caught'; readonly seed: number; readonly by: Invariant; readonly text: string }
  | { readonly type: 'survived'; readonly seeds: number }
  /** It cannot be loaded, or falls over in a way that says nothing about its mistake. */
  | { readonly type: 'broken'; readonly seed: number; readonly error: string };

export interface Hunt {
  readonly run: HuntRun;
  readonly seeds: number;
  /** The module of a thread, see worker.ts. */
  readonly worker: URL;
  /** Ends every thread; what a hunt tells after that is of no use. */
  readonly signal: AbortSignal;
  readonly onSeed: (mutant: Mutant, seed: number) => void;
}

/** One seed after another, from the first, until the mutant breaks what such a mistake breaks. */
export async function huntMutant(mutant: Mutant, { run, seeds, worker, signal, onSeed }: Hunt): Promise<Verdict> {
  const thread = new MutantThread(worker, mutant.edits);
  const stop = (): void => void thread.stop();
  signal.addEventListener('abort', stop);
  let seed = 1;
  try {
    for (; seed <= seeds; seed += 1) {
      onSeed(mutant, seed);
      const verdict = verdictOn(mutant, seed, await thread.run({ ...run, seed }));
      if (verdict !== null) return verdict;
    }
    return { type: 'survived', seeds };
  } catch (error) {
    return { type: 'broken', seed, error: error instanceof Error ? error.message : String(error) };
  } finally {
    signal.removeEventListener('abort', stop);
    await thread.stop();
  }
}

/** What the core throws when one of its own invariants does not hold; another seed may show what that would have led to. */
const isOwnFinding = (error: string): boolean => error.startsWith('bug: ');

function verdictOn({ breaks }: Mutant, seed: number, answer: Answer): Verdict | null {
  if (answer.type === 'threw') return isOwnFinding(answer.error) ? null : { type: 'broken', seed, error: answer.error };
  for (const { invariant, text } of answer.result.violations) {
    const by = breaks.find((one) => one === invariant);
    if (by !== undefined) return { type: 'caught', seed, by, text };
  }
  return null;
}

export interface Control {
  readonly seeds: number;
  readonly failing: readonly { readonly seed: number; readonly violations: readonly Violation[] }[];
}

/** The code as it is passes every seed at which a mutant was caught, or the catch says nothing. */
export async function control(seeds: readonly number[], run: HuntRun, worker: URL): Promise<Control> {
  const thread = new MutantThread(worker, []);
  const failing: { seed: number; violations: readonly Violation[] }[] = [];
  try {
    for (const seed of seeds) {
      const answer = await thread.run({ ...run, seed });
      const violations =
        answer.type === 'result' ? answer.result.violations : [{ invariant: 'core', atMs: 0, text: answer.error }];
      if (violations.length > 0) failing.push({ seed, violations });
    }
    return { seeds: seeds.length, failing };
  } finally {
    await thread.stop();
  }
}
