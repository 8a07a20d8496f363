import type { RunResult } from '../../test/sim/result.ts';

/** How well the PCs were used: by the mesh, or by a scheduler that knows everything and makes no mistake. */
export interface Schedule {
  /** From the first submission to the last end. */
  readonly makespanMs: number;
  readonly meanWaitMs: number;
  /** The share of the peers' time until then that went into work which was needed. */
  readonly utilisation: number;
}

interface Work {
  readonly submittedMs: number;
  readonly workMs: number;
}

/** The tasks that were worked on to their end: only for these can the mesh and the ideal be compared. */
const comparable = (result: RunResult) =>
  result.tasks.filter(({ attempts, state }) => attempts.length > 0 && (state === 'done' || state === 'failed'));

export function actualSchedule(result: RunResult): Schedule | null {
  const tasks = comparable(result);
  const waits = tasks.map(({ attempts, submittedMs }) => (attempts[0]?.startedMs ?? submittedMs) - submittedMs);
  const ends = tasks.map(({ endedMs }) => endedMs ?? result.virtualMs);
  return scheduleOf(tasks, ends, waits, result.peers.length);
}

/**
 * The list schedule: each task in the order of submission, at once on the peer that is free the earliest. No faults, no
 * latency, every peer up all the time, one slot each (some peers of a hostile mesh have two).
 */
export function idealSchedule(result: RunResult): Schedule | null {
  const tasks = comparable(result).toSorted((a, b) => a.submittedMs - b.submittedMs);
  const freeMs = result.peers.map(() => 0);
  const starts = tasks.map(({ submittedMs, workMs }) => {
    const earliest = Math.min(...freeMs);
    const start = Math.max(submittedMs, earliest);
    freeMs[freeMs.indexOf(earliest)] = start + workMs;
    return start;
  });
  const ends = tasks.map(({ workMs }, index) => (starts[index] ?? 0) + workMs);
  const waits = tasks.map(({ submittedMs }, index) => (starts[index] ?? 0) - submittedMs);
  return scheduleOf(tasks, ends, waits, result.peers.length);
}

function scheduleOf(
  tasks: readonly Work[],
  ends: readonly number[],
  waits: readonly number[],
  slots: number,
): Schedule | null {
  if (tasks.length === 0 || slots === 0) return null;
  const makespanMs = Math.max(...ends) - Math.min(...tasks.map(({ submittedMs }) => submittedMs));
  return {
    makespanMs,
    meanWaitMs: sum(waits) / waits.length,
    utilisation: makespanMs === 0 ? 0 : sum(tasks.map(({ workMs }) => workMs)) / (slots * makespanMs),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
