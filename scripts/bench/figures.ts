import { once } from 'node:events';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchPeer, Fleet } from './fleet.ts';

/** One measured figure. `aim` is what the design asks for, in the same unit. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: number | null;
}

const figure = (name: string, value: number, unit: string, aim: number | null = null): Figure => ({
  name,
  value: Math.round(value * 100) / 100,
  unit,
  aim,
});

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const size = 5;

/** What this machine can do at best, in the same run: everything else is to be read against it. */
export async function baseline(): Promise<readonly Figure[]> {
  const server = createServer((socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const roundTrips: number[] = [];
  for (let count = 0; count < 500; count += 1) {
    const begun = performance.now();
    socket.write('ping');
    await once(socket, 'data');
    roundTrips.push(performance.now() - begun);
  }
  socket.destroy();
  server.close();

  const folder = mkdtempSync(join(tmpdir(), 'fsync-'));
  const file = openSync(join(folder, 'log'), 'a');
  const syncs: number[] = [];
  for (let count = 0; count < 200; count += 1) {
    const begun = performance.now();
    writeSync(file, Buffer.alloc(512));
    fsyncSync(file);
    syncs.push(performance.now() - begun);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return [
    figure('one round trip over plain TCP, p50', quantile(roundTrips, 0.5), 'ms'),
    figure('one write and fsync, p50', quantile(syncs, 0.5), 'ms'),
  ];
}

/** One task after the other, from every peer in turn. */
export async function latencies(tasks: number): Promise<readonly Figure[]> {
  await using fleet = await Fleet.start(size, { capacity: 4, workMs: 0 });
  await delay(2_000);
  for (let count = 0; count < tasks; count += 1) {
    fleet.submit(at(fleet, count), `latency-${count}`);
    await fleet.until('the task to end', () => fleet.submitted.size > count && fleet.done.size > count);
  }
  const asked = [...fleet.submitted.values()];
  const acknowledged = asked.map(({ askedNs, answeredNs }) => (answeredNs - askedNs) / 1e6);
  const starts = new Map(fleet.started.map(({ message }) => [message.task, message.atNs]));
  const started = asked.map(({ task, askedNs }) => ((starts.get(task) ?? Number.NaN) - askedNs) / 1e6);
  return [
    figure('submit → acknowledged, p50', quantile(acknowledged, 0.5), 'ms', 20),
    figure('submit → acknowledged, p99', quantile(acknowledged, 0.99), 'ms'),
    figure('submit → assign accepted, p50', quantile(started, 0.5), 'ms', 20),
    figure('submit → assign accepted, p99', quantile(started, 0.99), 'ms'),
  ];
}

/** Everything at once. */
export async function throughput(tasks: number): Promise<readonly Figure[]> {
  await using fleet = await Fleet.start(size, { capacity: 20, workMs: 0 });
  await delay(2_000);
  const begun = performance.now();
  for (let count = 0; count < tasks; count += 1) fleet.submit(at(fleet, count), `burst-${count}`);
  await fleet.until('all tasks to end', () => fleet.done.size >= tasks, 120_000);
  return [figure('no-op tasks per second', (tasks * 1_000) / (performance.now() - begun), '/s', 100)];
}

/** From the signal to the worker until the next attempt has started elsewhere. */
export async function failover(signal: 'SIGKILL' | 'SIGSTOP', runs: number): Promise<readonly Figure[]> {
  const gaps: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await using fleet = await Fleet.start(size, { capacity: 1, workMs: null });
    await delay(500);
    fleet.submit(at(fleet, run), `failover-${run}`);
    await fleet.until('the work to start', () => fleet.started.length > 0);
    // Past the first heartbeats, as any real work would be.
    await delay(1_500);
    const worker = fleet.started[0]?.by;
    const begun = Number(process.hrtime.bigint());
    worker?.child.kill(signal);
    await fleet.until('the next attempt', () => fleet.started.length > 1);
    gaps.push(((fleet.started[1]?.message.atNs ?? Number.NaN) - begun) / 1e6);
  }
  const name = signal === 'SIGKILL' ? 'worker kill -9 → next attempt' : 'worker kill -STOP → next attempt';
  return [
    figure(`${name}, p50`, quantile(gaps, 0.5), 'ms', signal === 'SIGKILL' ? 500 : 6_000),
    figure(`${name}, worst of ${runs}`, quantile(gaps, 1), 'ms'),
  ];
}

/** Five peers with nothing to do. */
export async function idle(seconds: number): Promise<readonly Figure[]> {
  await using fleet = await Fleet.start(size, { capacity: 1, workMs: null });
  await delay(5_000);
  const before = await Promise.all(fleet.peers.map((peer) => fleet.usage(peer)));
  await delay(seconds * 1_000);
  const after = await Promise.all(fleet.peers.map((peer) => fleet.usage(peer)));
  const each = (of: (from: (typeof before)[number], to: (typeof before)[number]) => number): number =>
    quantile(
      before.map((from, index) => of(from, after[index] ?? from)),
      0.5,
    );
  return [
    figure(
      'idle peer: CPU',
      each((from, to) => ((to.cpuMs - from.cpuMs) * 1e8) / (to.atNs - from.atNs)),
      '% of a core',
      1,
    ),
    figure(
      'idle peer: memory',
      each((_, to) => to.rssMb),
      'MB',
      130,
    ),
    figure(
      'idle peer: network',
      each((from, to) => ((to.bytes - from.bytes) * 1e6) / (to.atNs - from.atNs)),
      'kB/s',
      3,
    ),
  ];
}

function at(fleet: Fleet, index: number): BenchPeer {
  const peer = fleet.peers[index % fleet.peers.length];
  if (peer === undefined) throw new Error('a fleet without peers');
  return peer;
}
