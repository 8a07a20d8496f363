/**
 * The figures of the mesh, five peers in five processes on this machine. `--json` prints one line; `--quick` takes fewer
 * runs. Every figure is measured in this run, beside what the bare machine does.
 */
import { parseArgs } from 'node:util';
import { run } from '../test/sim/run.ts';
import { baseline, type Figure, failover, idle, latencies, throughput } from './bench/figures.ts';
import { connectTime, startTime } from './bench/start.ts';
import { seedRate } from './simulate/seeds.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } });
const quick = values.quick === true;
const say = (text: string): void => void (values.json === true ? process.stderr : process.stdout).write(text);

const parts: readonly (readonly [string, () => Promise<readonly Figure[]>])[] = [
  ['the bare machine', baseline],
  ['one task after the other', () => latencies(quick ? 40 : 200)],
  ['all tasks at once', () => throughput(quick ? 200 : 1_000)],
  ['a worker killed', () => failover('SIGKILL', quick ? 2 : 7)],
  ['a worker stopped', () => failover('SIGSTOP', quick ? 1 : 3)],
  ['nothing to do', () => idle(quick ? 10 : 60)],
  ['the simulator', async () => [seedRate(run, quick ? 10 : 60)]],
  ['start to ready', () => startTime(quick ? 3 : 10)],
  ['ready to connected', () => connectTime(quick ? 2 : 5)],
];

const figures: Figure[] = [];
for (const [name, measure] of parts) {
  say(`${name} …\n`);
  for (const one of await measure()) {
    figures.push(one);
    const aim = one.aim === null ? '' : `   (aim ${one.aim})`;
    say(`  ${one.name.padEnd(44)} ${String(one.value).padStart(9)} ${one.unit}${aim}\n`);
  }
}
if (values.json === true) console.log(JSON.stringify({ node: process.version, figures }));
