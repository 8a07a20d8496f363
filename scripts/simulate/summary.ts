import type { RunOptions, RunResult, Traffic, Violation } from '../../test/sim/result.ts';
import { type Distribution, distributionOf } from './distribution.ts';
import { actualSchedule, idealSchedule, type Schedule } from './schedule.ts';
import { type Engine, replayOf } from './violations.ts';

/** All that the report says, as numbers; `--json` prints it as it is. */
export interface Summary {
  readonly engine: Engine;
  readonly seed: number;
  readonly profile: RunResult['profile'];
  readonly peers: number;
  readonly tasks: TaskCounts;
  readonly attempts: number;
  /** Attempts beyond each task's first. */
  readonly reassignments: number;
  readonly attemptsByEnd: Readonly<Record<string, number>>;
  readonly submitToStartMs: Distribution | null;
  readonly failoverMs: Distribution | null;
  /** Those in which no majority of the task's electors was together for a while. */
  readonly headlessFailoverMs: Distribution | null;
  readonly schedule: { readonly actual: Schedule; readonly ideal: Schedule } | null;
  readonly traffic: TrafficSummary | null;
  readonly faults: Readonly<Record<string, number>>;
  readonly occurred: RunResult['occurred'];
  /** The phase of submissions and faults, and the whole run. */
  readonly durationMs: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly trace: string;
  readonly violations: readonly Violation[];
  /** The events that matter for the first violation; empty without one. */
  readonly lastEvents: readonly string[];
  readonly replay: string;
}

export interface TaskCounts {
  /** What --tasks said; 0 = as the seed has it. */
  readonly asked: number;
  /** With those that people submit twice, or once more. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Not ended when the run did. */
  readonly open: number;
}

export interface TrafficSummary {
  readonly messages: number;
  readonly bytes: number;
  readonly messagesPerPeer: number;
  readonly bytesPerPeer: number;
  /** Who had the most to carry; null where nobody counted by peer. */
  readonly busiest: { readonly peer: string; readonly messages: number; readonly bytes: number } | null;
  readonly messagesPerTask: number;
  readonly bytesPerTask: number;
  /** What the tasks cost each peer, each: without what an idle mesh would have sent in the same time. */
  readonly messagesPerPeerPerTask: number;
  readonly idleMessagesPerPeerPerSecond: number;
  readonly idleBytesPerPeerPerSecond: number;
}

export function summaryOf(options: RunOptions, result: RunResult, engine: Engine = 'core'): Summary {
  const attempts = result.tasks.flatMap((task) => task.attempts);
  return {
    engine,
    seed: result.seed,
    profile: result.profile,
    peers: result.peers.length,
    tasks: taskCounts(result, options.tasks),
    attempts: attempts.length,
    reassignments: result.tasks.reduce((sum, task) => sum + Math.max(0, task.attempts.length - 1), 0),
    attemptsByEnd: tally(attempts.map(({ how }) => how ?? 'running')),
    submitToStartMs: distributionOf(submitToStart(result)),
    failoverMs: distributionOf(result.failoversMs),
    headlessFailoverMs: distributionOf(result.headlessFailoversMs),
    schedule: scheduleOf(result),
    traffic: result.traffic === null ? null : trafficSummary(result, result.traffic),
    faults: tally(result.faults.map(({ kind }) => kind)),
    occurred: result.occurred,
    durationMs: options.durationMs,
    virtualMs: result.virtualMs,
    events: result.events,
    trace: result.trace,
    violations: result.violations,
    lastEvents: result.violations.length === 0 ? [] : result.lastEvents,
    replay: replayOf(options, engine),
  };
}

export const submitToStart = (result: RunResult): readonly number[] =>
  result.tasks.flatMap(({ attempts, submittedMs }) =>
    attempts.slice(0, 1).map((first) => first.startedMs - submittedMs),
  );

function taskCounts({ tasks }: RunResult, asked: number): TaskCounts {
  const having = (state: string): number => tasks.filter((task) => task.state === state).length;
  const [done, failed, cancelled] = [having('done'), having('failed'), having('cancelled')];
  return { asked, total: tasks.length, done, failed, cancelled, open: tasks.length - done - failed - cancelled };
}

function scheduleOf(result: RunResult): Summary['schedule'] {
  const [actual, ideal] = [actualSchedule(result), idealSchedule(result)];
  return actual === null || ideal === null ? null : { actual, ideal };
}

function trafficSummary({ peers, tasks, virtualMs }: RunResult, traffic: Traffic): TrafficSummary {
  const { idleMessagesPerPeerPerSecond, idleBytesPerPeerPerSecond } = traffic;
  const { messages, bytes } = wholeRun(traffic);
  const idle = (idleMessagesPerPeerPerSecond * peers.length * virtualMs) / 1_000;
  return {
    messages,
    bytes,
    messagesPerPeer: share(messages, peers.length),
    bytesPerPeer: share(bytes, peers.length),
    busiest: busiestOf(traffic),
    messagesPerTask: share(messages, tasks.length),
    bytesPerTask: share(bytes, tasks.length),
    messagesPerPeerPerTask: share(Math.max(0, messages - idle), peers.length * tasks.length),
    idleMessagesPerPeerPerSecond,
    idleBytesPerPeerPerSecond,
  };
}

/** By peer it is counted to the very end, as virtual time is; the sums may leave out the stretch of rest. */
function wholeRun({ messages, bytes, messagesByPeer, bytesByPeer }: Traffic): { messages: number; bytes: number } {
  if (Object.keys(messagesByPeer).length === 0) return { messages, bytes };
  return { messages: sum(Object.values(messagesByPeer)), bytes: sum(Object.values(bytesByPeer)) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function busiestOf({ messagesByPeer, bytesByPeer }: Traffic): TrafficSummary['busiest'] {
  const [most] = Object.entries(messagesByPeer).toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
  return most === undefined ? null : { peer: most[0], messages: most[1], bytes: bytesByPeer[most[0]] ?? 0 };
}

const share = (total: number, of: number): number => (of === 0 ? 0 : total / of);

/** By name, sorted: the order shows. */
function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names.toSorted()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
