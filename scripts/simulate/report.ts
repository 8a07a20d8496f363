import type { RunResult } from '../../test/sim/result.ts';
import { NamedEvents } from '../../test/sim/result.ts';
import { type Distribution, histogram } from './distribution.ts';
import { bytes, clock, count, duration, percent, plural } from './format.ts';
import { type Summary, submitToStart } from './summary.ts';
import { violationText } from './violations.ts';

/** What a person reads after one run. */
export function reportOf(summary: Summary, result: RunResult): string {
  return [
    heading(summary),
    section('Tasks', taskLines(summary)),
    section('Submit → start', distributionLines(summary.submitToStartMs, submitToStart(result))),
    section('Failover', failoverLines(summary, result)),
    section('Schedule', scheduleLines(summary.schedule)),
    section('Traffic', trafficLines(summary)),
    section('Faults', tallyLines(summary.faults)),
    section('Named events', eventLines(summary)),
    section('Trace', traceLines(summary)),
    verdict(summary),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const heading = ({ engine, seed, profile, peers, tasks, virtualMs }: Summary): string =>
  `seed ${seed} · ${profile} · ${plural(peers, 'peer')} · ${plural(tasks.total, 'task')} · ${duration(virtualMs)} of ${engine === 'core' ? 'virtual' : 'real'} time`;

const labelWidth = 16;

/** The label stands once, in a column of its own; a section without lines is left out. */
const section = (label: string, lines: readonly string[]): string =>
  lines.map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd()).join('\n');

function taskLines({ tasks, attempts, reassignments, attemptsByEnd }: Summary): readonly string[] {
  const { asked, total, done, failed, cancelled, open } = tasks;
  const more = asked === 0 ? 0 : total - asked;
  const ends = Object.entries(attemptsByEnd).map(([how, held]) => `${count(held)} ${how}`);
  return [
    `${count(done)} done, ${count(failed)} failed, ${count(cancelled)} cancelled${open === 0 ? '' : `, ${count(open)} open`}`,
    ...(more > 0 ? [`${count(more)} more than asked for: people submit some twice, or for another round`] : []),
    `${plural(attempts, 'attempt')}, ${plural(reassignments, 'reassignment')}${ends.length === 0 ? '' : `: ${ends.join(', ')}`}`,
  ];
}

/** Nobody can take a task over while its electors have no majority: that wait is the faults', not the mesh's. */
function failoverLines({ failoverMs, headlessFailoverMs }: Summary, { failoversMs }: RunResult): readonly string[] {
  const lines = distributionLines(failoverMs, failoversMs);
  if (headlessFailoverMs === null) return lines;
  const { count: times, p50, p90 } = headlessFailoverMs;
  const after = `and ${count(times)} after a while without a majority of the electors:`;
  return [...lines, `${after} p50 ${duration(p50)}   p90 ${duration(p90)}`];
}

function distributionLines(figures: Distribution | null, values: readonly number[]): readonly string[] {
  if (figures === null) return ['none'];
  const { p50, p90, p99, max } = figures;
  const quantiles = Object.entries({ p50, p90, p99, max }).map(([name, ms]) => `${name} ${duration(ms)}`);
  return [`${quantiles.join('   ')}   of ${count(figures.count)}`, ...histogram(values)];
}

function scheduleLines(schedule: Summary['schedule']): readonly string[] {
  if (schedule === null) return ['no task was worked on to its end'];
  const { actual, ideal } = schedule;
  const row = (name: string, ours: string, best: string): string =>
    `${name.padEnd(14)}${ours.padStart(10)}${best.padStart(10)}`;
  return [
    row('', 'mesh', 'ideal'),
    row('makespan', duration(actual.makespanMs), duration(ideal.makespanMs)),
    row('mean wait', duration(actual.meanWaitMs), duration(ideal.meanWaitMs)),
    row('utilisation', percent(actual.utilisation), percent(ideal.utilisation)),
  ];
}

function trafficLines({ traffic }: Summary): readonly string[] {
  if (traffic === null) return [];
  const { busiest } = traffic;
  const row = (name: string, messages: number, size: number): string =>
    `${name.padEnd(14)}${count(messages).padStart(10)} messages${bytes(size).padStart(12)}`;
  const idle = `${traffic.idleMessagesPerPeerPerSecond.toFixed(1).padStart(10)} messages${bytes(traffic.idleBytesPerPeerPerSecond).padStart(12)}`;
  return [
    row('in all', traffic.messages, traffic.bytes),
    row('per peer', traffic.messagesPerPeer, traffic.bytesPerPeer),
    ...(busiest === null ? [] : [row('busiest peer', busiest.messages, busiest.bytes)]),
    row('per task', traffic.messagesPerTask, traffic.bytesPerTask),
    `${'idle peer'.padEnd(14)}${idle} a second`,
  ];
}

const tallyLines = (tally: Readonly<Record<string, number>>): readonly string[] => {
  const parts = Object.entries(tally).map(([name, held]) => `${count(held)} × ${name}`);
  return parts.length === 0 ? [] : [parts.join(', ')];
};

/** A calm run has none of them, and needs no list of noughts. */
const eventLines = ({ occurred }: Summary): readonly string[] =>
  NamedEvents.filter((name) => occurred[name] > 0).map((name) => `${count(occurred[name]).padStart(6)}  ${name}`);

/** Real time leaves none that could be compared. */
const traceLines = ({ engine, trace, events }: Summary): readonly string[] =>
  engine === 'core' ? [`${trace}, of ${plural(events, 'event')}`] : [];

function verdict(summary: Summary): string {
  const { violations, lastEvents, replay } = summary;
  if (violations.length === 0) return '0 violations';
  const events =
    lastEvents.length === 0 ? [] : ['', 'The last events that matter:', ...lastEvents.map((line) => `  ${line}`)];
  return [
    ...violations.map(violationText),
    ...events,
    '',
    `${plural(violations.length, 'violation')} at seed ${summary.seed}, by ${clock(summary.virtualMs)}; again with:`,
    `  ${replay}`,
  ].join('\n');
}
