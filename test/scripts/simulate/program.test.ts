import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { profiled, sharesOf } from '../../../scripts/simulate/profile.ts';
import { runProgram } from '../../../scripts/simulate/program.ts';
import { growth, type Load } from '../../../scripts/simulate/scaling.ts';
import { swarmExitCode, swarmText } from '../../../scripts/simulate/swarm.ts';
import { type SwarmSummary, Tally } from '../../../scripts/simulate/tally.ts';
import { type NamedEvent, NamedEvents, type Profile, type RunOptions, type RunResult } from '../../sim/result.ts';
import { run } from '../../sim/run.ts';
import { resultOf, stuck, unsafe } from './sample.ts';

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly ran: readonly RunOptions[];
}

const traffic = {
  messages: 100,
  bytes: 1_000,
  messagesByPeer: {},
  bytesByPeer: {},
  idleBytesPerPeerPerSecond: 0,
  idleMessagesPerPeerPerSecond: 0,
};

/** The program on a run that is made by hand. */
async function told(args: string, fields: Partial<RunResult> = {}, interruptAfterMs?: number): Promise<Told> {
  const out: string[] = [];
  const err: string[] = [];
  const ran: RunOptions[] = [];
  const code = await runProgram(args === '' ? [] : args.split(' '), {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    screen: { write: () => {} },
    run: (options) => {
      ran.push(options);
      return resultOf({ seed: options.seed, profile: options.profile, ...fields });
    },
    runLive: (options) => {
      ran.push(options);
      return Promise.resolve(resultOf({ seed: options.seed, profile: options.profile, ...fields }));
    },
    worker: new URL('stub-worker.ts', import.meta.url),
    mutantWorker: new URL('stub-worker.ts', import.meta.url),
    onInterrupt: (stop) => {
      if (interruptAfterMs !== undefined) setTimeout(stop, interruptAfterMs);
      return () => {};
    },
  });
  return { code, out: out.join('\n'), err: err.join('\n'), ran };
}

describe('a mistake on the command line is one line, and exit 2', () => {
  it.each([
    ['--foo', /unknown option '--foo': see `--help`/],
    ['blub', /too many arguments/],
    ['--peers', /argument missing/],
    ['--peers x', /'x' is no good: a whole number from 0 to 1000 expected/],
    ['--peers 1001', /a whole number from 0 to 1000/],
    ['--tasks -1', /a whole number/],
    ['--seed 1.5', /a whole number/],
    ['--profile mad', /one of calm, rough, hostile expected/],
    ['--minutes 0', /a number of minutes above 0/],
    ['--hours x', /a number of hours above 0 and up to 168/],
    ['--hours 1 --minutes 2', /cannot be used with/],
    ['--specialties Back_End', /small letters/],
    ['--engine tcp', /one of core, libp2p expected/],
    ['--engine libp2p --peers 21', /1 to 20 peers/],
    ['--timeline /nowhere/at/all.html', /cannot write \/nowhere\/at\/all\.html \(ENOENT\)/],
    ['swarm --foo', /unknown option/],
    ['swarm extra', /too many arguments/],
    ['swarm --seeds 0', /a whole number from 1/],
    ['swarm --workers 0', /a whole number from 1/],
    ['scaling --sizes 50', /two or more ascending numbers/],
    ['scaling --sizes 50,20', /two or more ascending numbers/],
    ['seeds --seeds many', /a whole number/],
  ])('%s', async (args, line) => {
    const { code, out, err, ran } = await told(args);
    expect(err).toMatch(line);
    expect(err.split('\n')).toHaveLength(1);
    expect({ code, out, ran }).toEqual({ code: 2, out: '', ran: [] });
  });
});

describe('simulate', () => {
  it('works without any flag', async () => {
    const { code, out, ran } = await told('');
    expect(code).toBe(0);
    expect(out).toMatch(/0 violations$/);
    expect(ran[0]).toMatchObject({ seed: 42, profile: 'rough', peers: 10, tasks: 40, durationMs: 1_800_000 });
  });

  it('runs what it was asked for', async () => {
    const { ran } = await told('--peers 3 --tasks 5 --seed 9 --profile hostile --hours 0.5 --specialties a,b');
    expect(ran[0]).toMatchObject({ seed: 9, peers: 3, tasks: 5, profile: 'hostile', durationMs: 1_800_000 });
    expect(ran[0]?.specialties).toEqual(['a', 'b']);
  });

  it('gives many tasks on few peers the time that they need', async () => {
    const { ran } = await told('--peers 2 --tasks 200');
    expect(ran[0]?.durationMs).toBe(250 * 60_000);
  });

  it('replays by the command that it prints', async () => {
    const asked = '--seed 9 --profile hostile --peers 0 --tasks 0 --minutes 0.7 --specialties a,b';
    const { out, ran } = await told(asked, { violations: [unsafe] });
    const command = out.split('\n').at(-1)?.trim() ?? '';
    const again = await told(command.replace('npm run simulate -- ', ''));
    const { onProgress: _, ...options } = ran[0] ?? {};
    expect(again.ran[0]).toMatchObject(options);
  });

  it.each([
    [0, []],
    [1, [unsafe]],
    [4, [stuck]],
  ])('exits %i by the class of failure', async (code, violations) => {
    expect(await told('', { violations })).toMatchObject({ code });
    expect(await told('--json', { violations })).toMatchObject({ code });
  });

  it('prints one JSON document', async () => {
    const { out } = await told('--json', { violations: [stuck], lastEvents: ['a'] });
    expect(JSON.parse(out)).toMatchObject({ seed: 42, tasks: { done: 1 }, violations: [stuck], lastEvents: ['a'] });
  });

  it('writes a timeline', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-'));
    const file = join(folder, 'run.html');
    await told(`--timeline ${file}`);
    expect(existsSync(file) && readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[\s\S]+<\/html>\n$/);
    rmSync(folder, { recursive: true });
  });

  it('shows help, with examples', async () => {
    expect(await told('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Examples:'), ran: [] });
    expect(await told('swarm --help')).toMatchObject({ code: 0, out: expect.stringContaining('--first-seed') });
  });
});

describe('a swarm', () => {
  it('says so in its last line when all is well', async () => {
    const { code, out, err } = await told('swarm --seeds 3 --first-seed 10 --workers 2');
    expect(out.split('\n').at(-1)).toBe('3 seeds, 0 violations');
    expect(out).toMatch(/ 3 {2}fork-met/);
    expect(out).toMatch(/Not met yet: .*late-push-refused/);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it('names every seed that failed, also those that threw or took their thread along', async () => {
    const { code, out, err } = await told('swarm --seeds 10 --first-seed 20 --workers 2');
    expect(code).toBe(1);
    expect(out.split('\n').at(-1)).toBe(
      '10 seeds, 3 failing: 23, 25, 27; the first again: npm run simulate -- --seed 23 --profile hostile --peers 0 --tasks 0 --minutes 30',
    );
    expect(err).toContain('seed 23: a bug of the simulator');
    expect(err).toContain('seed 25: ');
    expect(err).toContain(
      [
        'seed 27: I3 at 1:01.234: two pull requests for one key',
        '61234.0  bob opens #2',
        'npm run simulate -- --seed 27 --profile hostile --peers 0 --tasks 0 --minutes 30',
      ].join('\n  '),
    );
  });

  const swarmOf = (seeds: number, profile: Profile, met: readonly NamedEvent[]): SwarmSummary => {
    const tally = new Tally({ profile, peers: 0, tasks: 0, durationMs: 1 });
    const occurred = Object.fromEntries(met.map((name) => [name, 1]));
    for (let seed = 0; seed < seeds; seed += 1)
      tally.add({ seed, violations: [], lastEvents: [], occurred, virtualMs: 1, error: null });
    return tally.summary(1_000, null);
  };

  it.each<[number, RegExp, number, Profile, readonly NamedEvent[]]>([
    [
      1,
      /^Never met, so nothing is proved of: fork-met$/m,
      500,
      'hostile',
      NamedEvents.filter((one) => one !== 'fork-met'),
    ],
    [0, /^Not met yet: fork-met$/m, 499, 'hostile', NamedEvents.filter((one) => one !== 'fork-met')],
    [0, /minute.*\n500 seeds, 0 violations$/, 500, 'hostile', NamedEvents],
    [0, /minute.*\n500 seeds, 0 violations$/, 500, 'calm', []],
  ])('exits %i and says %s after %i seeds of %s', (code, says, seeds, profile, met) => {
    const summary = swarmOf(seeds, profile, met);
    expect(swarmExitCode(summary)).toBe(code);
    expect(swarmText(summary)).toMatch(says);
  });

  it('stops early and says what was under way', async () => {
    const { code, out } = await told('swarm --seeds 100 --workers 1 --peers 9', {}, 100);
    expect(code).toBe(130);
    expect(out).toContain('Interrupted; under way: 1');
    expect(out.split('\n').at(-1)).toBe('0 seeds, 0 violations');
  });
});

describe('seeds', () => {
  it('says how many a minute, and where the time goes', async () => {
    const { code, out, ran } = await told('seeds --seeds 3');
    expect(code).toBe(0);
    expect(out).toMatch(/^[\d,]+ seeds a minute on one core: 5 peers, 10 tasks/);
    expect(ran.slice(0, 3).map(({ seed, profile, peers, tasks }) => [seed, profile, peers, tasks])).toEqual(
      [1, 2, 3].map((seed) => [seed, 'hostile', 5, 10]),
    );
  });

  it('tells the parts of the simulator by where the time was spent', () => {
    const node = (path: string, hitCount: number, functionName = 'work') => {
      const url = path === '' ? '' : new URL(`../../../${path}`, import.meta.url).href;
      return { id: 1, hitCount, callFrame: { functionName, scriptId: '1', url, lineNumber: 1, columnNumber: 1 } };
    };
    const nodes = [
      node('src/peer/core/core.ts', 30),
      node('src/peer/sleep.ts', 10),
      node('src/election/proposer.ts', 20),
      node('test/sim/oracles/grants.ts', 15),
      node('node_modules/@noble/hashes/sha2.js', 5),
      node('', 20, '(garbage collector)'),
      node('scripts/simulate/seeds.ts', 0),
    ];
    expect(sharesOf({ nodes })).toEqual([
      { part: 'the core: one peer', share: 0.4 },
      { part: 'the core: the lease', share: 0.2 },
      { part: 'the garbage collector', share: 0.2 },
      { part: 'the oracles', share: 0.15 },
      { part: 'libraries', share: 0.05 },
    ]);
  });

  it('samples what really runs', () => {
    const shares = profiled(() => run({ seed: 1, profile: 'hostile', peers: 5, tasks: 6, durationMs: 10 * 60_000 }));
    expect(shares.map(({ part }) => part)).toContain('the core: one peer');
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });
});

describe('scaling', () => {
  const load = (peers: number, messages: number, bytes: number): Load => ({
    peers,
    tasks: peers * 2,
    messagesPerPeerPerTask: messages,
    idleMessagesPerPeerPerSecond: 1,
    idleBytesPerPeerPerSecond: bytes,
  });

  it('runs every size with the same tasks per peer', async () => {
    const { code, ran } = await told('scaling --sizes 5,10 --tasks-per-peer 3', { traffic });
    expect(ran.map(({ peers, tasks, profile }) => [peers, tasks, profile])).toEqual([
      [5, 15, 'calm'],
      [10, 30, 'calm'],
    ]);
    expect(code).toBe(0);
  });

  it.each([
    [0, load(50, 10, 500), load(200, 12, 500)],
    [1, load(50, 10, 500), load(200, 12.1, 500)],
    [1, load(50, 10, 500), load(200, 10, 600)],
    [2, load(50, 10, 500), load(200, 13, 600)],
  ])('finds %i things that grow', (wrong, small, large) => {
    expect(growth([small, load(100, 99, 9_999), large])).toHaveLength(wrong);
  });
});
