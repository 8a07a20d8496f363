import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { run } from '../../sim/run.ts';

const script = fileURLToPath(new URL('../../../scripts/simulate-mesh.ts', import.meta.url));
const args = ['--seed', '11', '--profile', 'hostile', '--peers', '3', '--tasks', '4', '--minutes', '2'];

const simulate = (...more: readonly string[]) => execa(process.execPath, [script, ...args, ...more], { reject: false });

it('gives the same trace for the same seed in three processes, and another for another seed', async () => {
  const told = await Promise.all([simulate('--json'), simulate('--json'), simulate('--json', '--seed', '12')]);
  const [one, same, other] = told.map(({ stdout }) => JSON.parse(stdout).trace as unknown);
  const here = run({ seed: 11, profile: 'hostile', peers: 3, tasks: 4, durationMs: 120_000, traffic: true });
  expect([one, same]).toEqual([here.trace, here.trace]);
  expect(other).not.toBe(here.trace);
});

it('says what was wrong with the command line, and exits 2', async () => {
  const { exitCode, stdout, stderr } = await simulate('--profile', 'mad');
  expect(stderr.split('\n')).toEqual([expect.stringContaining('one of calm, rough, hostile expected')]);
  expect([exitCode, stdout]).toEqual([2, '']);
});
