import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  Executor,
  ExecutorContext,
  ExecutorEvent,
  ExecutorOutcome,
  RunLimits,
} from '../../src/agents/executors/executor.ts';
import { listProcesses } from '../../src/agents/processes/processes.ts';
import { nobodySpecial, type Specialist } from '../../src/agents/specialists/specialist.ts';
import { alive, taskFor, useFolder } from '../agents/support.ts';
import { patientMs, waitFor } from '../support/wait.ts';

/** What an agent may be made to do. */
export type Behaviour =
  /** Writes `b.txt`, says `all done`, and ends. */
  | 'finishes'
  /** Ends without having done it. */
  | 'fails'
  /** Says something now and then, for ever. */
  | 'goesOnForEver'
  /** Writes `b.txt`, and then says nothing more. */
  | 'fallsSilent'
  /** Writes `up.txt` from a process that has left for a session of its own and stays. */
  | 'startsAnother'
  /** Writes `first.txt`, then `begun.txt`, and stays; told to go on, it writes `second.txt` and ends. */
  | 'isInterrupted';

/** An executor, and what it needs around it. */
export interface ExecutorWorld {
  /** Whole seconds in which an agent has begun, and some more. */
  readonly limitMs: number;
  /** One whose agent does that. */
  executor(behaviour: Behaviour): Executor;
  close(): Promise<void>;
}

export interface Bench {
  /** The agent's working folder. */
  readonly cwd: string;
  readonly sessionDir: string;
  readonly mark: string;
  readonly events: readonly ExecutorEvent[];
  readonly abort: AbortController;
  run(executor: Executor, changes?: Changes): Promise<ExecutorOutcome>;
  /** What is in a file of the working folder; null where there is none. */
  read(name: string): string | null;
  progress(): readonly string[];
  last<T extends ExecutorEvent['type']>(type: T): Extract<ExecutorEvent, { type: T }> | undefined;
}

export interface Changes {
  readonly prompt?: string;
  readonly followUp?: string | null;
  readonly limits?: Partial<RunLimits>;
  readonly specialist?: Partial<Specialist>;
  readonly confine?: ExecutorContext['confine'];
  readonly cwd?: string;
}

/** Folders of an attempt for each test, and what an executor says in them. */
export function useBench(): Bench {
  const folder = useFolder();
  let events: ExecutorEvent[] = [];
  let mark = '';
  let abort = new AbortController();
  const path = (name: string): string => join(folder.path, name);
  beforeEach(() => {
    for (const name of ['clone', 'agent', 'session']) mkdirSync(path(name));
    events = [];
    mark = `contract.${randomUUID()}`;
    abort = new AbortController();
  });
  // Whatever a test has left must not outlive it.
  afterEach(() => killAll(mark));
  const contextFor = ({ prompt, followUp, limits, specialist, confine, cwd }: Changes): ExecutorContext => ({
    task: taskFor('/r'),
    attempt: 1,
    specialist: { ...nobodySpecial, ...specialist },
    prompt: prompt ?? 'Please add b.txt.',
    followUp: followUp ?? null,
    limits: { wallMs: 60_000, idleMs: 30_000, turns: 50, costUsd: null, ...limits },
    confine: confine ?? (async (command) => command),
    cwd: cwd ?? path('clone'),
    folder: path('agent'),
    sessionDir: path('session'),
    mark,
    signal: abort.signal,
  });
  return {
    get cwd() {
      return path('clone');
    },
    get sessionDir() {
      return path('session');
    },
    get mark() {
      return mark;
    },
    get events() {
      return events;
    },
    get abort() {
      return abort;
    },
    run: (executor, changes = {}) => executor.run(contextFor(changes), (event) => events.push(event)),
    read: (name) => (existsSync(join(path('clone'), name)) ? readFileSync(join(path('clone'), name), 'utf8') : null),
    progress: () => events.flatMap((event) => (event.type === 'progress' ? [event.text] : [])),
    last: <T extends ExecutorEvent['type']>(type: T) =>
      events.findLast((event): event is Extract<ExecutorEvent, { type: T }> => event.type === type),
  };
}

/** As `kill -9` of everything that carries the mark. */
export function killAll(mark: string): void {
  for (const { pid, marked } of listProcesses(mark)) {
    try {
      if (marked) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended with one that went before.
    }
  }
}

/** What every executor promises, whatever its agent is. */
export function executorContract(name: string, make: () => Promise<ExecutorWorld>): void {
  describe(`${name} keeps the executors' contract`, () => {
    const bench = useBench();
    let world: ExecutorWorld;
    beforeEach(async () => {
      world = await make();
    });
    afterEach(() => world.close());

    test('finishes with the work done, an account of it, and no process left', async () => {
      const outcome = await bench.run(world.executor('finishes'));
      expect(outcome).toMatchObject({ type: 'finished', summary: expect.stringContaining('all done') });
      expect(bench.read('b.txt')).toBe('b\n');
      expect(bench.progress().length).toBeGreaterThan(0);
      expect(bench.events.filter(({ type }) => type === 'output').length).toBeGreaterThan(0);
      expect(alive(bench.mark)).toBe(0);
    });

    test('says why it has failed', async () => {
      const outcome = await bench.run(world.executor('fails'));
      expect(outcome).toMatchObject({ type: 'failed', reason: expect.stringMatching(/\S+ \S+/) });
      expect(alive(bench.mark)).toBe(0);
    });

    test('is stopped when its time is over', async () => {
      const limits = { wallMs: world.limitMs, turns: 10_000 };
      const reason = expect.stringMatching(`after ${world.limitMs / 1_000} s.*time limit`);
      const outcome = await bench.run(world.executor('goesOnForEver'), { limits });
      expect(outcome).toMatchObject({ type: 'failed', reason });
      expect(bench.events.length).toBeGreaterThan(0);
      expect(alive(bench.mark)).toBe(0);
    });

    test('is stopped when it is silent for too long, and the work stays', async () => {
      const reason = expect.stringContaining(`after ${world.limitMs / 1_000} s without output`);
      const outcome = await bench.run(world.executor('fallsSilent'), { limits: { idleMs: world.limitMs } });
      expect(outcome).toMatchObject({ type: 'failed', reason });
      expect(bench.read('b.txt')).toBe('b\n');
      expect(alive(bench.mark)).toBe(0);
    });

    test('an abort ends all that it has started', async () => {
      const outcome = bench.run(world.executor('startsAnother'));
      await waitFor('the other process', () => bench.read('up.txt') !== null, patientMs, bench.progress);
      expect(alive(bench.mark)).toBeGreaterThan(0);
      bench.abort.abort();
      expect(await outcome).toEqual({ type: 'interrupted' });
      expect(alive(bench.mark)).toBe(0);
    });

    test('an abort before it starts starts nothing', async () => {
      bench.abort.abort();
      expect(await bench.run(world.executor('finishes'))).toEqual({ type: 'interrupted' });
      expect(readdirSync(bench.cwd)).toEqual([]);
      expect(alive(bench.mark)).toBe(0);
    });

    test('goes on where it was after all of it was killed', async () => {
      const executor = world.executor('isInterrupted');
      const first = bench.run(executor);
      await waitFor('its second step', () => bench.read('begun.txt') !== null, patientMs, bench.progress);
      killAll(bench.mark);
      expect((await first).type).toBe('failed');
      expect(bench.read('second.txt')).toBeNull();
      const second = await bench.run(executor, { followUp: 'You were interrupted. Go on.' });
      expect(second).toMatchObject({ type: 'finished' });
      expect(bench.read('first.txt')).toBe('1\n');
      expect(bench.read('second.txt')).toBe('2\n');
      expect(readdirSync(bench.sessionDir).length).toBeGreaterThan(0);
    });
  });
}
