import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NamedEvents, type RunOptions } from './result.ts';
import { run } from './run.ts';

const hostile = (seed: number, fields: Partial<RunOptions> = {}): RunOptions => ({
  seed,
  profile: 'hostile',
  peers: 5,
  tasks: 6,
  durationMs: 10 * 60_000,
  ...fields,
});

describe('a run', () => {
  it('is the same again under the same seed, in another process too', () => {
    const { trace, events } = run(hostile(7));
    expect(run(hostile(7)).trace).toBe(trace);
    expect(run(hostile(8)).trace).not.toBe(trace);
    const script = `
      import { run } from ${JSON.stringify(new URL('run.ts', import.meta.url).href)};
      const { trace, events } = run(${JSON.stringify(hostile(7))});
      console.log(JSON.stringify({ trace, events }));
    `;
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({ trace, events });
  });

  it('is the same whether or not its traffic is sized', () => {
    const short = { durationMs: 2 * 60_000, tasks: 3 };
    const plain = run(hostile(3, short));
    const sized = run(hostile(3, { ...short, traffic: true }));
    expect(sized.tasks).toEqual(plain.tasks);
    expect(plain.traffic).toBeNull();
    expect(sized.traffic?.bytes).toBeGreaterThan(0);
    expect(sized.traffic?.idleBytesPerPeerPerSecond).toBeGreaterThan(0);
  });

  it('on a calm day ends every task at the first attempt, with one pull request at most', () => {
    const { tasks, violations, faults } = run(hostile(1, { profile: 'calm' }));
    expect(violations).toEqual([]);
    expect(faults).toEqual([]);
    expect(tasks.map(({ state, attempts }) => [state, attempts.length])).toEqual(tasks.map(() => ['done', 1]));
    for (const { pullRequests, endedMs, submittedMs, workMs } of tasks) {
      expect(pullRequests).toBeLessThanOrEqual(1);
      expect((endedMs ?? 0) - submittedMs).toBeGreaterThanOrEqual(workMs * 0.99);
    }
  });

  it('tells of its faults, and how long each took to get over', () => {
    const { faults, failoversMs, virtualMs, tasks } = run(hostile(2));
    expect(faults.length).toBeGreaterThan(10);
    expect(faults.every(({ fromMs, untilMs }) => (untilMs ?? virtualMs) >= fromMs)).toBe(true);
    expect(failoversMs.every((ms) => ms >= 0)).toBe(true);
    expect(tasks.every(({ leaders }) => leaders.length > 0)).toBe(true);
  });

  it('now and then takes a PC its disk, for good, and brings a new one', () => {
    const seeds = Array.from({ length: 12 }, (_, seed) => run(hostile(seed)));
    const struck = seeds.filter(({ occurred }) => occurred['disk-lost'] === 1);
    expect(struck.length).toBeGreaterThan(0);
    expect(struck.length).toBeLessThan(seeds.length);
    for (const { peers, faults, violations, durationMs } of struck.map((one) => ({ ...one, durationMs: 600_000 }))) {
      expect(violations).toEqual([]);
      expect(peers).toHaveLength(6);
      const forGood = faults.filter(({ fromMs, untilMs }) => untilMs === null && fromMs < durationMs);
      expect(forGood.map(({ kind }) => kind)).toContainEqual(expect.stringMatching(/crash|goodbye/));
    }
  });

  it('takes the number of peers and of tasks from the seed where none is given', () => {
    const sizes = Array.from(
      { length: 12 },
      (_, seed) => run(hostile(seed, { peers: 0, tasks: 0, durationMs: 1_000 })).peers.length,
    );
    expect(new Set(sizes).size).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
  });

  it('gives its peers the specialties in turn', () => {
    const options = hostile(1, { profile: 'calm', specialties: ['backend', 'frontend'], durationMs: 2 * 60_000 });
    expect(run(options).tasks.every(({ state }) => state === 'done')).toBe(true);
  });
});

it('a swarm of hostile runs meets everything that it must', { timeout: 60_000 }, () => {
  const met = new Set<string>();
  for (let seed = 1; seed <= 200 && met.size < NamedEvents.length; seed += 1) {
    const { occurred } = run(hostile(seed, { peers: 0, tasks: 0, durationMs: 30 * 60_000 }));
    for (const name of NamedEvents) if (occurred[name] > 0) met.add(name);
  }
  expect([...met].sort()).toEqual([...NamedEvents].sort());
});
