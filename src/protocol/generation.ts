import { z } from 'zod';
import { byText, type GenerationId, generationIdSchema, type PeerId, peerIdSchema } from './ids.ts';
import { Limits } from './limits.ts';

/**
 * One electorate of a task, and the register that it keeps. A task starts in the generation that its record names, the
 * origin; as PCs come and go its leader moves it to the next. `forced` ones were made without a majority of the one
 * before, by the survivor of two PCs or by a person's `adopt`: two of those can meet (a fork).
 */
export const generationSchema = z.object({
  /** 0 = the origin, which travels as null. */
  number: z.int().positive(),
  id: generationIdSchema,
  electorate: z.array(peerIdSchema).min(1).max(Limits.electors).readonly(),
  forced: z.boolean(),
});
export type Generation = Readonly<z.infer<typeof generationSchema>>;

export const originId = 'origin' as GenerationId;

export const originOf = (task: { readonly body: { readonly electorate: readonly PeerId[] } }): Generation => ({
  number: 0,
  id: originId,
  electorate: task.body.electorate,
  forced: false,
});

/** The generation in which a state was written. */
export const generationOf = (
  task: Parameters<typeof originOf>[0],
  state: { readonly generation: Generation | null },
): Generation => state.generation ?? originOf(task);

/** The later generation is the greater; two successors of one, a fork, are ordered by their ids. */
export const compareGenerations = (
  a: Pick<Generation, 'number' | 'id'>,
  b: Pick<Generation, 'number' | 'id'>,
): number => a.number - b.number || byText(a.id, b.id);
