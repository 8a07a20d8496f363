import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import { edited } from '../../../scripts/simulate/mutants/apply.ts';
import { mutants } from '../../../scripts/simulate/mutants/catalogue.ts';
import { control, huntMutant } from '../../../scripts/simulate/mutants/hunt.ts';
import type { Edit, Mutant } from '../../../scripts/simulate/mutants/mutant.ts';
import { runProgram } from '../../../scripts/simulate/program.ts';
import { run } from '../../sim/run.ts';

const root = new URL('../../../', import.meta.url);
const worker = new URL('scripts/simulate/mutants/worker.ts', root);

/** What a mutant has been asked for, by its mistake; each has one at least. */
const askedFor: Readonly<Record<string, readonly string[]>> = {
  'in-flight deadline set at the ack quorum': ['deadline-at-ack'],
  'promises or acks counted instead of electors': ['promises-by-message', 'acks-by-message'],
  'a value dropped when its lease expired': ['value-dropped'],
  'a promise lost on restart': ['promise-lost'],
  'no re-arming after a restart': ['not-rearmed'],
  'belief ended by a timer': ['belief-by-timer'],
  'D_P > D_A': ['lease-too-long'],
  'a slow clock without the margin': ['no-drift-margin'],
  'a version resent with a new deadline': ['resend-extends'],
  'a write built from the last committed value while one is unanswered': ['write-from-committed'],
  'one variable for both deadlines': ['one-deadline'],
  'a write at a released ballot': ['write-after-release'],
  'the incarnation missing from the ballot or from the matching of replies': ['no-incarnation'],
  'one undetected sleep': ['sleep-undetected'],
  'grant given after the deadline': ['late-grant', 'grant-from-answer'],
  'publishing lapses before its grant': ['lapse-before-grant', 'grant-not-inherited'],
  'branch pushed without compare-and-swap': ['push-without-lease'],
  'closed pull requests ignored': ['closed-pulls-ignored'],
  'duplicate key not resolved': ['twins-unresolved'],
  'wake-up not noticed': ['wake-up-unnoticed'],
  'assigned beyond capacity': ['beyond-capacity'],
  'leading on a sealed value': ['lead-on-seal'],
  "installing on one elector's answer": ['install-on-one-ack'],
  'an uninstalled elector voting': ['vote-uninstalled'],
  'spend counted twice': ['spend-counted-twice', 'spend-not-durable'],
  'bids while out of quota': ['bids-without-means'],
  'the other attempts are not handed over': ['others-not-handed-over'],
  'an attempt beyond the budget of its task': ['task-budget-ignored'],
  'the sealing leader giving up only at the ack': ['seal-until-ack'],
};

const sourceOf = (file: string): string => readFileSync(new URL(file, root), 'utf8');

describe('the catalogue of mutants', () => {
  it('has one for every mistake, each under a name of its own', () => {
    const ids = mutants.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(Object.values(askedFor).flat()));
    expect(ids.length).toBeGreaterThanOrEqual(20);
  });

  it.each(mutants)('$id fits the code as it is', ({ mistake, breaks, edits }) => {
    expect([mistake.includes('\n'), breaks.length > 0, edits.length > 0]).toEqual([false, true, true]);
    for (const file of new Set(edits.map((edit) => edit.file))) {
      const source = sourceOf(file);
      const changed = edited(
        source,
        edits.filter((edit) => edit.file === file),
      );
      expect(changed).not.toBe(source);
      expect(() => stripTypeScriptTypes(changed)).not.toThrow();
    }
  });
});

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function told(...args: readonly string[]): Promise<Told> {
  return toldUntil(null, ...args);
}

async function toldUntil(interruptAfterMs: number | null, ...args: readonly string[]): Promise<Told> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runProgram(args, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    screen: { write: () => {} },
    run,
    runLive: () => Promise.reject(new Error('not here')),
    worker,
    mutantWorker: worker,
    onInterrupt: (stop) => {
      if (interruptAfterMs !== null) setTimeout(stop, interruptAfterMs);
      return () => {};
    },
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('simulate:mutants', () => {
  it('catches a mistake, and prints the command that shows it again', async () => {
    const { code, out } = await told('mutants', '--only', 'value-dropped,beyond-capacity', '--seeds', '100');
    expect(out.split('\n').at(-1)).toMatch(/^2 mutants, all caught; /);
    expect(out).toMatch(/the code as it is, on the same \d seeds?: 0 violations/);
    expect(code).toBe(0);
    const command = out.split('\n').find((line) => line.endsWith('--mutant value-dropped')) ?? '';
    const again = await told(...command.trim().replace('npm run simulate -- ', '').split(' '));
    expect(again.out).toMatch(/I2 at /);
    expect(again.out.split('\n').at(-1)).toContain('--mutant value-dropped');
    expect(again.code).toBe(1);
  });

  it('names the survivors, and exits 1', async () => {
    const { code, out } = await told('mutants', '--only', 'promise-lost', '--seeds', '1');
    expect(out.split('\n').at(-1)).toMatch(/^1 mutant, never caught: promise-lost; /);
    expect(code).toBe(1);
    const { code: same, out: json } = await told('mutants', '--only', 'promise-lost', '--seeds', '1', '--json');
    const verdict = { type: 'survived', seeds: 1 };
    expect(JSON.parse(json)).toMatchObject({ mutants: [{ id: 'promise-lost', verdict, replay: null }] });
    expect(same).toBe(1);
  });

  it.each([
    ['mutants', '--only', 'nobody'],
    ['mutants', '--only', 'value-dropped,nobody'],
    ['--mutant', 'nobody'],
    ['--mutant', 'value-dropped', '--engine', 'libp2p', '--peers', '3'],
  ])('says in one line what was wrong: %s %s %s', async (...args) => {
    const { code, out, err } = await told(...args);
    expect(err).toMatch(/^simulate: .*(?:the id of a mutant expected|leave out --engine)/);
    expect([code, out, err.split('\n').length]).toEqual([2, '', 1]);
  });

  it('says what it has so far when it is interrupted', async () => {
    const { code, out } = await toldUntil(1_000, 'mutants', '--only', 'no-drift-margin', '--profile', 'calm');
    expect(out.split('\n').at(-1)).toMatch(/^Interrupted; so far 0 mutants, none caught; /);
    expect(code).toBe(130);
  });

  it('tells of every mutant in its help', async () => {
    const { code, out } = await told('mutants', '--help');
    for (const { id } of mutants) expect(out).toContain(id);
    expect(code).toBe(0);
  });
});

describe('a hunt', () => {
  const hunt = {
    run: { profile: 'hostile', peers: 3, tasks: 1, durationMs: 60_000 } as const,
    seeds: 2,
    worker,
    signal: new AbortController().signal,
    onSeed: () => {},
  };
  const mutant = (edit: Edit): Mutant => ({ id: 'odd', mistake: 'Odd.', breaks: ['I1'], edits: [edit] });
  const file = 'src/election/electorate.ts';

  it.each([
    ['has another text', { file, find: 'nowhere to be found', replace: '' }, /0 times, not once/],
    ['is never loaded', { file: 'src/cli.ts', find: 'a', replace: 'b' }, /no part of the simulation/],
    ['cannot be parsed', { file, find: 'export const majorityOf', replace: 'export const const' }, /./],
    ['falls over at once', { file, find: 'export const majorityOf =', replace: 'export const majorityOf = 1 +' }, /./],
  ])('does not count as caught what %s', async (_, edit, error) => {
    expect(await huntMutant(mutant(edit), hunt)).toMatchObject({
      type: 'broken',
      seed: 1,
      error: expect.stringMatching(error),
    });
  });

  it('tells by the code as it is whether a catch means anything', async () => {
    expect(await control([1, 2], hunt.run, worker)).toEqual({ seeds: 2, failing: [] });
  });
});
