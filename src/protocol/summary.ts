import { z } from 'zod';
import { versionSchema } from './ballot.ts';
import { answerSchema } from './bids.ts';
import { peerIdSchema, taskIdSchema, wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { taskStateSchema } from './state.ts';

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
  costUsd: z.number().nonnegative().nullable(),
  at: wallMsSchema,
});
export type Progress = z.infer<typeof progressSchema>;
