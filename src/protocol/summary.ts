import { z } from 'zod';
import { compareVersions, describeVersion, type Version, versionSchema } from './ballot.ts';
import { answerSchema } from './bids.ts';
import { compareGenerations, type Generation, originId } from './generation.ts';
import { generationIdSchema, type PeerId, peerIdSchema, taskIdSchema, wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { costSchema } from './money.ts';
import { isTerminal, type TaskState, taskStateSchema } from './state.ts';

/** One line of a task's story: for people, never for decisions. */
export const storyEventSchema = z.looseObject({
  at: wallMsSchema,
  by: peerIdSchema,
  event: z.string().max(50),
  detail: z.string().max(Limits.reason),
});
export type StoryEvent = z.infer<typeof storyEventSchema>;

export const standingAnswerSchema = z.object({ peer: peerIdSchema, answer: answerSchema });
export type StandingAnswer = z.infer<typeof standingAnswerSchema>;

/** What a leader tells everybody at every commit: the state, and the story since its last summary. */
export const summarySchema = z.looseObject({
  task: taskIdSchema,
  version: versionSchema,
  state: taskStateSchema,
  leader: peerIdSchema.nullable(),
  stalled: z.string().max(Limits.reason).nullable(),
  answers: z.array(standingAnswerSchema).max(Limits.bidsPerStory),
  story: z.array(storyEventSchema).max(Limits.storyEventsPerSummary),
});
export type Summary = z.infer<typeof summarySchema>;

/** How far an attempt is, in one line; gossiped by the leader at most every few seconds. */
export const progressSchema = z.object({
  text: z.string().max(Limits.line),
  costUsd: costSchema.nullable(),
  at: wallMsSchema,
});
export type Progress = z.infer<typeof progressSchema>;

/** Says which of two pieces of news of a task is the newer, and after a fork, which of two lives goes on. */
export const stampSchema = z.object({
  /** 2 = done, 1 = ended without a result, 0 = under way. */
  ended: z.int().min(0).max(2),
  generation: z.object({ number: z.int().nonnegative(), id: generationIdSchema }),
  version: versionSchema,
});
export type Stamp = z.infer<typeof stampSchema>;

export function stampOf(state: TaskState, version: Version): Stamp {
  const { number, id } = state.generation ?? { number: 0, id: originId };
  const ended = state.phase.name === 'done' ? 2 : isTerminal(state) ? 1 : 0;
  return { ended, generation: { number, id }, version };
}

/**
 * An end beats what is under way, and a result any other end; then the later generation, the later version. Within one
 * lineage only the last two ever differ; after a fork every peer picks the same survivor.
 */
export const compareStamps = (a: Stamp, b: Stamp): number =>
  a.ended - b.ended ||
  a.generation.number - b.generation.number ||
  compareVersions(a.version, b.version) ||
  compareGenerations(a.generation, b.generation);

export const compareMaybeStamps = (a: Stamp | null, b: Stamp | null): number =>
  a === null ? (b === null ? 0 : -1) : b === null ? 1 : compareStamps(a, b);

export const describeStamp = ({ ended, generation, version }: Stamp): string =>
  `${ended}/${generation.number}.${generation.id}/${describeVersion(version)}`;

/** The version of a generation's initial value: below every version that is ever written there. */
export const initialVersion = ({ electorate: [first] }: Pick<Generation, 'electorate'>): Version => ({
  ballot: { round: 0, peer: first as PeerId, incarnation: 0 },
  seq: 0,
});

/** Somebody has led since the generation began, so a majority of its electors had installed it. */
export const isAlive = ({ version }: Pick<Stamp, 'version'>): boolean => version.ballot.round > 0;
