import { type AttemptSpan, NamedEvents, type RunOptions, type RunResult, type TaskHistory } from '../../sim/result.ts';

/** Runs made by hand, for what shows them. */

export const attempt = (
  number: number,
  worker: string,
  startedMs: number,
  endedMs: number | null,
  how: string | null = 'done',
): AttemptSpan => ({ number, worker, startedMs, endedMs, how });

export const taskOf = (fields: Partial<TaskHistory> = {}): TaskHistory => ({
  id: '00c0ffee',
  title: 'Fix the greeting',
  state: 'done',
  submittedMs: 0,
  endedMs: 60_000,
  workMs: 50_000,
  attempts: [attempt(1, 'ada', 10, 60_000)],
  leaders: [{ peer: 'bob', fromMs: 5, untilMs: 60_000 }],
  pullRequests: 1,
  ...fields,
});

export const none = Object.fromEntries(NamedEvents.map((name) => [name, 0])) as RunResult['occurred'];

export const resultOf = (fields: Partial<RunResult> = {}): RunResult => ({
  seed: 7,
  profile: 'rough',
  peers: ['ada', 'bob'],
  virtualMs: 120_000,
  events: 4_321,
  violations: [],
  occurred: none,
  trace: 'c0ffee00c0ffee00',
  lastEvents: [],
  tasks: [taskOf()],
  faults: [],
  failoversMs: [],
  headlessFailoversMs: [],
  traffic: null,
  ...fields,
});

export const optionsOf = (fields: Partial<RunOptions> = {}): RunOptions => ({
  seed: 7,
  profile: 'rough',
  peers: 2,
  tasks: 1,
  durationMs: 60_000,
  ...fields,
});

export const unsafe = { invariant: 'I3', atMs: 61_234, text: 'two pull requests for one key' };
export const stuck = { invariant: 'I5', atMs: 90_000, text: 'task 00c0ffee is open' };
