import { z } from 'zod';
import { wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';

/** Why a peer makes no bid. `until` says when the reason ends by itself, where that is known. */
export const declineSchema = z.looseObject({
  type: z.literal('decline'),
  reason: z.enum(['busy', 'quota', 'no executor', 'no access', 'requires', 'draining']),
  detail: z.string().max(Limits.line).nullable(),
  until: wallMsSchema.nullable(),
});
export type Decline = z.infer<typeof declineSchema>;

const share = z.number().min(0).max(1);
/** The parts of a score, each from 0 to 1 before its weight. */
export const scorePartsSchema = z.object({ specialty: share, freeSlots: share, warm: share, success: share });
export type ScoreParts = z.infer<typeof scorePartsSchema>;

export const bidSchema = z.looseObject({ type: z.literal('bid'), score: share, parts: scorePartsSchema });
export type Bid = z.infer<typeof bidSchema>;

export const answerSchema = z.discriminatedUnion('type', [bidSchema, declineSchema]);
/** A peer's answer to a call: an offer with its score, or why it makes none. */
export type Answer = z.infer<typeof answerSchema>;

/** `busy`, `requires (frontend)`: one short phrase for people; `until` is theirs to format. */
export const describeDecline = (decline: Decline): string =>
  decline.detail === null ? decline.reason : `${decline.reason} (${decline.detail})`;
