import { availableParallelism } from 'node:os';
import type { Profile } from '../../../test/sim/result.ts';
import type { Context } from '../context.ts';
import { duration, plural } from '../format.ts';
import { Progress } from '../progress.ts';
import { type ExitCode, ExitCodes, replayOf } from '../violations.ts';
import { mutants } from './catalogue.ts';
import { type Control, control, type Hunt, huntMutant, type Verdict } from './hunt.ts';
import type { Mutant } from './mutant.ts';

export interface MutantsFlags {
  readonly only?: readonly Mutant[];
  readonly seeds: number;
  readonly workers?: number;
  readonly profile: Profile;
  readonly json?: true;
}

export interface Hunted extends Pick<Mutant, 'id' | 'mistake'> {
  readonly verdict: Verdict;
  /** The one command that shows it again; null for a survivor. */
  readonly replay: string | null;
}

export interface MutantsSummary {
  readonly profile: Profile;
  readonly seeds: number;
  readonly mutants: readonly Hunted[];
  /** The code as it is, on the seeds at which mutants were caught; null when it was interrupted. */
  readonly control: Control | null;
  readonly elapsedMs: number;
}

const durationMs = 30 * 60_000;

/** Hunts every mutant with the oracles, several at a time. */
export async function huntMutants(flags: MutantsFlags, context: Context): Promise<void> {
  const { profile, seeds, only = mutants, workers = availableParallelism() } = flags;
  const begunMs = performance.now();
  const progress = new Progress(context.screen);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const release = context.onInterrupt(() => interrupt.abort());
  const run = { profile, peers: 0, tasks: 0, durationMs };
  let ended = 0;
  const onSeed = ({ id }: Mutant, seed: number): void =>
    progress.show(ended / only.length, `${ended} of ${plural(only.length, 'mutant')}; ${id}, seed ${seed}`);
  const verdicts = await huntAll(only, workers, { run, seeds, worker: context.mutantWorker, signal, onSeed }, () => {
    ended += 1;
  });
  const rows = only.flatMap((mutant) => {
    const verdict = verdicts.get(mutant);
    return verdict === undefined ? [] : [rowOf(mutant, verdict, run)];
  });
  const passed = signal.aborted ? null : await control(seedsOf(rows), run, context.mutantWorker);
  release();
  progress.clear();

  const elapsedMs = performance.now() - begunMs;
  const summary: MutantsSummary = { profile, seeds, mutants: rows, control: passed, elapsedMs };
  context.out(flags.json === true ? JSON.stringify(summary) : mutantsText(summary));
  context.exit(mutantsExitCode(summary));
}

/** Those that were under way when it was interrupted are left out. */
async function huntAll(
  list: readonly Mutant[],
  workers: number,
  hunt: Hunt,
  onEnd: () => void,
): Promise<ReadonlyMap<Mutant, Verdict>> {
  const verdicts = new Map<Mutant, Verdict>();
  const waiting = [...list];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !hunt.signal.aborted; next = waiting.shift()) {
      const verdict = await huntMutant(next, hunt);
      if (hunt.signal.aborted) return;
      verdicts.set(next, verdict);
      onEnd();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return verdicts;
}

const seedsOf = (rows: readonly Hunted[]): readonly number[] =>
  [...new Set(rows.flatMap(({ verdict }) => (verdict.type === 'caught' ? [verdict.seed] : [])))].toSorted(
    (a, b) => a - b,
  );

const rowOf = ({ id, mistake }: Mutant, verdict: Verdict, run: Hunt['run']): Hunted => ({
  id,
  mistake,
  verdict,
  replay: verdict.type === 'survived' ? null : `${replayOf({ ...run, seed: verdict.seed })} --mutant ${id}`,
});

export function mutantsExitCode({ mutants: rows, control: passed }: MutantsSummary): ExitCode {
  if (passed === null) return ExitCodes.interrupted;
  const areCaught = rows.every(({ verdict }) => verdict.type === 'caught');
  return areCaught && passed.failing.length === 0 ? ExitCodes.fine : ExitCodes.unsafe;
}

/** The last line is the one that counts. */
export function mutantsText(summary: MutantsSummary): string {
  const { mutants: rows, seeds, profile, control: passed, elapsedMs } = summary;
  const verdict = `${plural(rows.length, 'mutant')}, ${verdictText(rows)}; ${duration(elapsedMs)}`;
  return [
    `Caught at which ${profile} seed, from 1 to ${seeds}, and by what:`,
    ...rows.flatMap(linesOf),
    ...controlLines(passed),
    passed === null ? `Interrupted; so far ${verdict}` : verdict,
  ].join('\n');
}

const margin = ' '.repeat(14);

function linesOf({ id, mistake, verdict, replay }: Hunted): readonly string[] {
  const head = (at: string, by: string): string => `${at.padStart(7)}  ${by.padEnd(5)}${id}: ${mistake}`;
  switch (verdict.type) {
    case 'caught':
      return [head(String(verdict.seed), verdict.by), `${margin}${verdict.text}`, `${margin}${replay}`];
    case 'survived':
      return [head('never', '')];
    case 'broken':
      return [head('broken', ''), `${margin}${verdict.error}`, `${margin}${replay}`];
  }
}

function controlLines(passed: Control | null): readonly string[] {
  if (passed === null || passed.seeds === 0) return [];
  const { seeds, failing } = passed;
  const head = `${margin}the code as it is, on the same ${plural(seeds, 'seed')}: `;
  if (failing.length === 0) return [`${head}0 violations`];
  return failing.map(
    ({ seed, violations }) => `${head}seed ${seed}: ${violations[0]?.invariant} ${violations[0]?.text}`,
  );
}

function verdictText(rows: readonly Hunted[]): string {
  const having = (type: Verdict['type']): string =>
    rows
      .filter(({ verdict }) => verdict.type === type)
      .map(({ id }) => id)
      .join(', ');
  const [survived, broken] = [having('survived'), having('broken')];
  const parts = [survived === '' ? '' : `never caught: ${survived}`, broken === '' ? '' : `broken: ${broken}`];
  const bad = parts.filter((part) => part !== '').join('; ');
  if (bad !== '') return bad;
  return rows.length === 0 ? 'none caught' : 'all caught';
}
