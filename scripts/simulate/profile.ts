import { type Profiler, Session } from 'node:inspector';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Share {
  readonly part: string;
  /** Of the time that was sampled, from 0 to 1. */
  readonly share: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Parts of the simulator, by where a function stands; the first that fits. */
const parts: readonly (readonly [path: RegExp, part: string])[] = [
  [/^src\/election\//, 'the core: the lease'],
  [/^src\/protocol\//, 'the core: the protocol'],
  [/^src\//, 'the core: one peer'],
  [/^test\/sim\/oracles/, 'the oracles'],
  [
    /^test\/sim\/(failovers|history|log|named-events|observation|reach|run|survivors)/,
    'the history, and who else watches',
  ],
  [/^test\/sim\/(driver|node|disk|clock|opened)/, 'the world: drivers, disks, clocks'],
  [/^test\/sim\/(network|traffic)/, 'the world: the network'],
  [/^test\/sim\/queue/, 'the world: the event queue'],
  [/^test\/sim\/trace/, 'the trace hash'],
  [/^test\/sim\//, 'the world: agents, forge, people, faults'],
  [/^node_modules\//, 'libraries'],
];

/** Runs under V8's sampling profiler, in this thread. The largest share first. */
export function profiled(run: () => void): readonly Share[] {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  run();
  let profile: Profiler.Profile | null = null;
  // In its own thread a session answers before `post` returns.
  session.post('Profiler.stop', (error, stopped) => {
    if (error === null) profile = stopped.profile;
  });
  session.disconnect();
  return profile === null ? [] : sharesOf(profile);
}

/** By the functions that ran at the samples, whatever had called them. */
export function sharesOf({ nodes }: Pick<Profiler.Profile, 'nodes'>): readonly Share[] {
  const hits = new Map<string, number>();
  let all = 0;
  for (const { callFrame, hitCount = 0 } of nodes) {
    const part = partOf(callFrame);
    hits.set(part, (hits.get(part) ?? 0) + hitCount);
    all += hitCount;
  }
  return [...hits]
    .filter(([, held]) => held > 0)
    .map(([part, held]) => ({ part, share: held / all }))
    .toSorted((a, b) => b.share - a.share || (a.part < b.part ? -1 : 1));
}

function partOf({ url, functionName }: Profiler.ProfileNode['callFrame']): string {
  if (functionName === '(garbage collector)') return 'the garbage collector';
  if (!url.startsWith('file:')) return 'Node and V8';
  const path = relative(root, fileURLToPath(url)).replaceAll('\\', '/');
  return parts.find(([where]) => where.test(path))?.[1] ?? 'other scripts';
}
