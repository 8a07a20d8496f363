import { table } from '../../src/cli/output.ts';
import type { RunOptions } from '../../test/sim/result.ts';
import type { Context } from './context.ts';
import { bytes, plural } from './format.ts';
import { Progress } from './progress.ts';
import { summaryOf } from './summary.ts';
import { ExitCodes } from './violations.ts';

export interface ScalingFlags {
  readonly sizes: readonly number[];
  readonly tasksPerPeer: number;
  readonly seed: number;
  /** In milliseconds. */
  readonly minutes?: number;
  readonly json?: true;
}

export interface Load {
  readonly peers: number;
  readonly tasks: number;
  readonly messagesPerPeerPerTask: number;
  readonly idleMessagesPerPeerPerSecond: number;
  readonly idleBytesPerPeerPerSecond: number;
}

const usualMs = 10 * 60_000;
/** What a task may cost each peer more in the largest mesh than in the smallest. */
const mostGrowth = 1.2;
/** Idle traffic is to stay level; runs of different sizes are never equal to the byte. */
const level = 1.02;

/** Calm meshes of several sizes: what one peer has to carry must not depend on how many others there are. */
export function scaling(flags: ScalingFlags, context: Context): void {
  const progress = new Progress(context.screen);
  const loads = flags.sizes.map((peers, index) => {
    const show = (done: number): void =>
      progress.show((index + done) / flags.sizes.length, `a mesh of ${plural(peers, 'peer')}`);
    return measure(flags, peers, show, context);
  });
  progress.clear();
  const wrong = growth(loads);
  context.out(flags.json === true ? JSON.stringify({ loads, wrong }) : scalingText(loads, wrong));
  context.exit(wrong.length === 0 ? ExitCodes.fine : ExitCodes.unsafe);
}

function measure(flags: ScalingFlags, peers: number, onProgress: (done: number) => void, { run }: Context): Load {
  const options: RunOptions = {
    seed: flags.seed,
    profile: 'calm',
    peers,
    tasks: peers * flags.tasksPerPeer,
    durationMs: flags.minutes ?? usualMs,
    traffic: true,
  };
  const { traffic, tasks } = summaryOf(options, run({ ...options, onProgress }));
  if (traffic === null) throw new Error('the run was asked for its traffic and gave none');
  const { messagesPerPeerPerTask, idleMessagesPerPeerPerSecond, idleBytesPerPeerPerSecond } = traffic;
  return { peers, tasks: tasks.total, messagesPerPeerPerTask, idleMessagesPerPeerPerSecond, idleBytesPerPeerPerSecond };
}

/** What grows with the mesh and must not, from the smallest to the largest. */
export function growth(loads: readonly Load[]): readonly string[] {
  const [first, last] = [loads[0], loads.at(-1)];
  if (first === undefined || last === undefined) return [];
  const grown = (name: string, of: (load: Load) => number, most: number): readonly string[] => {
    const ratio = of(last) / of(first);
    return ratio > most ? [`${name} grow to ${ratio.toFixed(2)} times, at most ${most} is allowed`] : [];
  };
  return [
    ...grown('messages per peer and task', (load) => load.messagesPerPeerPerTask, mostGrowth),
    ...grown('idle bytes per peer', (load) => load.idleBytesPerPeerPerSecond, level),
  ];
}

function scalingText(loads: readonly Load[], wrong: readonly string[]): string {
  const [first] = loads;
  const ratio = (value: number, base: number | undefined): string => `${(value / (base ?? 1)).toFixed(2)} ×`;
  const rows = loads.map((load) => [
    String(load.peers),
    String(load.tasks),
    load.messagesPerPeerPerTask.toFixed(2),
    ratio(load.messagesPerPeerPerTask, first?.messagesPerPeerPerTask),
    `${bytes(load.idleBytesPerPeerPerSecond)}/s`,
    ratio(load.idleBytesPerPeerPerSecond, first?.idleBytesPerPeerPerSecond),
  ]);
  const head = ['peers', 'tasks', 'messages per peer and task', 'ratio', 'idle traffic per peer', 'ratio'];
  return [
    table(head, rows),
    '',
    ...(wrong.length === 0 ? ['The load of a peer does not grow with the mesh.'] : wrong),
  ].join('\n');
}
