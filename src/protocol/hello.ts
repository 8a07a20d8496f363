import { z } from 'zod';
import { peerIdSchema, wallMsSchema } from './ids.ts';
import { Limits } from './limits.ts';
import { sumSchema } from './money.ts';
import { specialtySchema } from './record.ts';

/** Peers of another major refuse each other; within one, unknown fields are ignored or passed on. */
export const ProtocolVersion = { major: 1, minor: 1 } as const;
/** The first minor that knows of something, where one that does not must be spoken to in another way. */
export const Since = { tombstones: 1 } as const;

/** Shown on terminals: no control characters, whoever chose it. */
export const nameSchema = z
  .string()
  .max(100)
  .regex(/^\P{C}+$/u, 'a name without control characters expected');

/** Why a peer takes no work for now. */
export const unavailableSchema = z.object({ until: wallMsSchema.nullable(), reason: z.string().max(Limits.line) });

/** What a peer's agents have cost in one day, counted from the epoch in UTC; see days.ts. */
export const daySpendSchema = z.object({ day: z.int().nonnegative(), usd: sumSchema });
export type DaySpend = z.infer<typeof daySpendSchema>;

/** What a peer tells the mesh about itself, by gossip on change and at an interval. The higher seq is the newer. */
export const advertSchema = z.looseObject({
  peer: peerIdSchema,
  name: nameSchema,
  incarnation: z.int().nonnegative(),
  seq: z.int().nonnegative(),
  specialties: z.array(specialtySchema).max(Limits.specialties),
  capacity: z.int().min(0).max(1_000),
  running: z.int().nonnegative(),
  executor: z.string().max(100).nullable(),
  /** What confines agents there; null, or nothing said, where nothing does. */
  sandbox: z.string().max(100).nullable().optional(),
  unavailable: unavailableSchema.nullable(),
  /** Not told on change: it changes with every call of a model. Peers before it was introduced say nothing. */
  spentToday: daySpendSchema.optional(),
  version: z.string().max(50),
  addresses: z.array(z.string().max(300)).max(16),
});
export type Advert = z.infer<typeof advertSchema>;

export const Roles = ['peer', 'client'] as const;

/** The first frame on every link. A client holds the mesh key but takes no seat, makes no bid and sends no advert. */
export const helloSchema = z.looseObject({
  major: z.int(),
  minor: z.int(),
  role: z.enum(Roles),
  advert: advertSchema,
});
export type Hello = z.infer<typeof helloSchema>;
