import { z } from 'zod';
import { type Generation, generationSchema } from './generation.ts';
import {
  blobIdSchema,
  commitIdSchema,
  type PeerId,
  peerIdSchema,
  type TaskId,
  taskIdSchema,
  type WallMs,
  wallMsSchema,
} from './ids.ts';
import { Limits } from './limits.ts';
import { addUsd, costSchema, sumSchema, usdText } from './money.ts';
import type { TaskBody } from './record.ts';

/** What a task produced. `pullRequest` is null for a plain git remote. */
export const resultSchema = z.looseObject({
  branch: z.string().max(300),
  commit: commitIdSchema.nullable(),
  pullRequest: z
    .looseObject({
      number: z.int().positive(),
      url: z.string().max(1_000),
      state: z.enum(['open', 'closed', 'merged']),
    })
    .nullable(),
  /** Whether the repository's own test command passed; absent or null where none was run. */
  verified: z.boolean().nullable().optional(),
});
export type TaskResult = z.infer<typeof resultSchema>;

/** How an attempt ended. Only `failed` and `lapsed` count towards the limits. */
export const outcomeSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('done'), result: resultSchema }),
  /** The agent's failure; `final` where no other attempt could do better (the branch is taken). */
  z.looseObject({ type: z.literal('failed'), reason: z.string().max(Limits.reason), final: z.boolean() }),
  z.looseObject({ type: z.literal('lapsed'), reason: z.string().max(Limits.reason) }),
  /** The worker could not start: its slot had gone, no access, no disk. */
  z.looseObject({ type: z.literal('refused'), reason: z.string().max(Limits.reason) }),
  z.looseObject({ type: z.literal('quota'), until: wallMsSchema.nullable(), reason: z.string().max(Limits.reason) }),
  z.looseObject({ type: z.literal('drained'), reason: z.string().max(Limits.reason) }),
  z.looseObject({ type: z.literal('stopped'), reason: z.string().max(Limits.reason) }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** What a worker wants to push, and the branch's tip that it may replace (null = the branch must not exist). */
export const publicationSchema = z.object({ commit: commitIdSchema, expectedTip: commitIdSchema.nullable() });
export type Publication = z.infer<typeof publicationSchema>;

/** A worker's saved progress: where its bytes are named, and what is in them. */
export const checkpointSchema = z.looseObject({
  blob: blobIdSchema,
  bytes: z.int().positive().max(Limits.checkpoint),
  /** Where the work started, and how far it has come; the same where no file has changed yet. */
  base: commitIdSchema,
  commit: commitIdSchema,
  attempt: z.int().positive(),
  /** Counts the attempt's checkpoints. */
  number: z.int().positive(),
  /** The agent had finished: only publishing is left. */
  finished: z.boolean(),
  /** The executor whose session it holds: another one resumes from the commit alone. Null = no session. */
  session: z.string().min(1).max(50).nullable(),
  at: wallMsSchema,
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

export const isNewer = (one: Checkpoint, other: Checkpoint | null): boolean =>
  other === null || one.attempt > other.attempt || (one.attempt === other.attempt && one.number > other.number);

export const attemptSchema = z.looseObject({
  number: z.int().positive(),
  worker: peerIdSchema,
  startedAt: wallMsSchema,
  endedAt: wallMsSchema.nullable(),
  outcome: outcomeSchema.nullable(),
  /** In all, or as far as was heard of one that lapsed; null where nobody has said. */
  costUsd: costSchema.nullable(),
  checkpoints: z
    .array(
      z.looseObject({
        commit: commitIdSchema,
        at: wallMsSchema,
        number: z.int().positive().optional(),
        finished: z.boolean().optional(),
      }),
    )
    .max(Limits.checkpointsKept)
    .default([]),
});
export type AttemptRecord = z.infer<typeof attemptSchema>;

export const endSchema = z.discriminatedUnion('name', [
  z.looseObject({ name: z.literal('done'), result: resultSchema }),
  z.looseObject({ name: z.literal('failed'), reason: z.string().max(Limits.reason) }),
  z.looseObject({
    name: z.literal('cancelled'),
    reason: z.string().max(Limits.reason),
    duplicateOf: taskIdSchema.nullable(),
  }),
]);
/** The phase of a task that has ended. */
export type End = z.infer<typeof endSchema>;

export const phaseSchema = z.discriminatedUnion('name', [
  z.looseObject({ name: z.literal('open') }),
  z.looseObject({ name: z.literal('assigned'), attempt: z.int().positive(), worker: peerIdSchema }),
  z.looseObject({ name: z.literal('publishing'), attempt: z.int().positive(), worker: peerIdSchema }),
  ...endSchema.options,
]);
export type Phase = z.infer<typeof phaseSchema>;

/**
 * The register's value: all that the next leader needs, and nothing else. Written only by the task's leader.
 *
 * `furthest` never falls back, though the phase does when an attempt lapses: of two tasks with one key the one that got
 * further wins, and a rank that could fall would let each be cancelled in favour of the other.
 */
export const taskStateSchema = z.looseObject({
  phase: phaseSchema,
  furthest: z.int().min(0).max(3),
  /** Attempts started so far; the next has this number plus one. */
  attemptsStarted: z.int().nonnegative(),
  attempts: z.array(attemptSchema).max(Limits.attemptsKept),
  failures: z.int().nonnegative(),
  /** Lapses since the last checkpoint. */
  lapses: z.int().nonnegative(),
  /** What the attempts that have ended cost together, those included that are no longer listed. Never falls. */
  spentUsd: sumSchema.default(0),
  /** The last publication that was committed: the next attempt asks the forge about it before anything else. */
  publication: publicationSchema.nullable(),
  /** The newest checkpoint: the next attempt goes on from it. */
  checkpoint: checkpointSchema.nullable().default(null),
  /** The generation this state was written in; null = the origin, which the task's record names. */
  generation: generationSchema.nullable().default(null),
  /** The seal: this register is closed for good, and the task lives on in that generation (M1 to M3). */
  moved: generationSchema.nullable().default(null),
});
export type TaskState = z.infer<typeof taskStateSchema>;

export const Attempts = { maxFailures: 3, maxLapses: 5 } as const;

/** Where a task can have got to. */
export const Furthest = { open: 0, assigned: 1, publishing: 2, done: 3 } as const;

export const initialState: TaskState = {
  phase: { name: 'open' },
  furthest: Furthest.open,
  attemptsStarted: 0,
  attempts: [],
  failures: 0,
  lapses: 0,
  spentUsd: 0,
  publication: null,
  checkpoint: null,
  generation: null,
  moved: null,
};

export type ActivePhase = Extract<Phase, { name: 'assigned' | 'publishing' }>;

export const isEnd = (phase: Phase): phase is End =>
  phase.name === 'done' || phase.name === 'failed' || phase.name === 'cancelled';

export const isTerminal = ({ phase }: TaskState): boolean => isEnd(phase);

export const endOf = ({ phase }: TaskState): End | null => (isEnd(phase) ? phase : null);

/** The attempt under way, if any. */
export const activePhase = (state: TaskState): ActivePhase | null =>
  state.phase.name === 'assigned' || state.phase.name === 'publishing' ? state.phase : null;

/** open → assigned when the leader has chosen a bid. */
export function assign(state: TaskState, worker: PeerId, at: WallMs): TaskState {
  expectPhase(state, 'open');
  const attempt = state.attemptsStarted + 1;
  const record: AttemptRecord = {
    number: attempt,
    worker,
    startedAt: at,
    endedAt: null,
    outcome: null,
    costUsd: null,
    checkpoints: [],
  };
  return {
    ...state,
    phase: { name: 'assigned', attempt, worker },
    furthest: Math.max(state.furthest, Furthest.assigned),
    attemptsStarted: attempt,
    attempts: [...state.attempts, record].slice(-Limits.attemptsKept),
  };
}

/**
 * assigned → assigned, publishing → publishing when the worker has saved its progress with a majority of the electors.
 */
export function saveCheckpoint(state: TaskState, checkpoint: Checkpoint): TaskState {
  const { attempt } = expectActive(state);
  if (checkpoint.attempt !== attempt) throw new Error(`bug: a checkpoint of attempt ${checkpoint.attempt}`);
  const { commit, at, number, finished } = checkpoint;
  return {
    ...state,
    checkpoint,
    lapses: 0,
    attempts: state.attempts.map((one) =>
      one.number === attempt
        ? { ...one, checkpoints: [...one.checkpoints, { commit, at, number, finished }].slice(-Limits.checkpointsKept) }
        : one,
    ),
  };
}

/** assigned | publishing → publishing when the worker asked for a grant to push `publication`. */
export function startPublishing(state: TaskState, publication: Publication): TaskState {
  const { attempt, worker } = expectActive(state);
  return {
    ...state,
    phase: { name: 'publishing', attempt, worker },
    furthest: Math.max(state.furthest, Furthest.publishing),
    publication,
  };
}

/**
 * assigned | publishing → open, done or failed when the attempt has ended.
 * Failed at the third failure of the agent, at the fifth lapse without a checkpoint, or where the outcome is final.
 */
export function endAttempt(state: TaskState, outcome: Outcome, at: WallMs, costUsd: number | null = null): TaskState {
  const { attempt } = expectActive(state);
  const failures = state.failures + (outcome.type === 'failed' ? 1 : 0);
  const lapses = state.lapses + (outcome.type === 'lapsed' ? 1 : 0);
  const ended: TaskState = {
    ...state,
    failures,
    lapses,
    spentUsd: addUsd(state.spentUsd, costUsd ?? 0),
    attempts: state.attempts.map((one) => (one.number === attempt ? { ...one, endedAt: at, outcome, costUsd } : one)),
  };
  if (outcome.type === 'done') {
    return { ...ended, phase: { name: 'done', result: outcome.result }, furthest: Furthest.done };
  }
  if (outcome.type === 'failed' && (outcome.final || failures >= Attempts.maxFailures)) {
    return { ...ended, phase: { name: 'failed', reason: outcome.reason } };
  }
  if (lapses >= Attempts.maxLapses) {
    // A state with a longer reason could not be sent, and the task would never end.
    const reason = `${lapses} attempts lapsed: ${outcome.reason}`.slice(0, Limits.reason);
    return { ...ended, phase: { name: 'failed', reason } };
  }
  return { ...ended, phase: { name: 'open' } };
}

/**
 * Why no agent may work on it any more: nothing is left of what the task may cost. Null where something is, or where no
 * agent is needed: publishing costs nothing, so what was finished is still brought to its end.
 */
export function wantOfMoney({ spentUsd, checkpoint, publication }: TaskState, { limits }: TaskBody): string | null {
  const { budgetUsd } = limits;
  const isFinished = checkpoint?.finished === true || publication !== null;
  if (budgetUsd === null || spentUsd < budgetUsd || isFinished) return null;
  return `its budget of ${usdText(budgetUsd)} is spent: ${usdText(spentUsd)} so far`;
}

/** open → failed where no further attempt may start. */
export function giveUp(state: TaskState, reason: string): TaskState {
  expectPhase(state, 'open');
  return { ...state, phase: { name: 'failed', reason } };
}

/** open | assigned → cancelled when a person asked, or another task has the same key. Publishing is past recall. */
export function cancel(
  state: TaskState,
  reason: string,
  duplicateOf: TaskId | null,
  at: WallMs,
  costUsd: number | null = null,
): TaskState {
  const active = activePhase(state);
  if (active?.name === 'publishing' || isTerminal(state)) {
    throw new Error(`bug: cancel in phase ${state.phase.name}`);
  }
  const ended = active === null ? state : endAttempt(state, { type: 'stopped', reason }, at, costUsd);
  return { ...ended, phase: { name: 'cancelled', reason, duplicateOf } };
}

/** Sealed: the last value of this generation's register, whatever the phase. An ended task moves nowhere. */
export function seal(state: TaskState, next: Generation): TaskState {
  if (isTerminal(state) || state.moved !== null) throw new Error(`bug: seal in phase ${state.phase.name}`);
  return { ...state, moved: next };
}

/** The initial value of `next`'s register (M3): everything that the last generation had committed. */
export const succeed = (state: TaskState, next: Generation): TaskState => ({
  ...state,
  generation: next,
  moved: null,
});

function expectPhase(state: TaskState, name: Phase['name']): void {
  if (state.phase.name !== name) throw new Error(`bug: expected phase ${name}, found ${state.phase.name}`);
}

function expectActive(state: TaskState): ActivePhase {
  const active = activePhase(state);
  if (active === null) throw new Error(`bug: no attempt under way in phase ${state.phase.name}`);
  return active;
}
