import { z } from 'zod';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A libp2p peer id in its base58 form, e.g. `12D3KooW…`. */
export type PeerId = Branded<string, 'PeerId'>;
/** Hex SHA-256 of a task record's canonical bytes. */
export type TaskId = Branded<string, 'TaskId'>;
/** What a task is about, the same on every peer: `github:owner/repo#7`, `prompt:<uuid>`. */
export type TaskKey = Branded<string, 'TaskKey'>;
/** A git object id: 40 or 64 hex digits. */
export type CommitId = Branded<string, 'CommitId'>;
/** Hex SHA-256 of a checkpoint's bytes. */
export type BlobId = Branded<string, 'BlobId'>;
/** Names one attempt on one peer: `<task id>/<attempt>`. */
export type RunId = Branded<string, 'RunId'>;
/** Names a PC, so that a repository given as a path is worked on where that path is. */
export type HostId = Branded<string, 'HostId'>;
/** Links a local command to its reply. */
export type CommandId = Branded<string, 'CommandId'>;
/** Names a generation of a task's register: `origin`, or 16 hex digits. */
export type GenerationId = Branded<string, 'GenerationId'>;
/** Milliseconds of the monotonic clock: decides leases and grants, never persisted, never sent. */
export type MonoMs = Branded<number, 'MonoMs'>;
/** Milliseconds since the epoch: for people, quotas and pruning, never for leases. */
export type WallMs = Branded<number, 'WallMs'>;

export interface Now {
  readonly monoMs: MonoMs;
  readonly wallMs: WallMs;
}

const branded = <T extends string | number>(schema: z.ZodType<T extends string ? string : number>): z.ZodType<T> =>
  schema as unknown as z.ZodType<T>;

export const peerIdSchema = branded<PeerId>(z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{1,128}$/));
export const taskIdSchema = branded<TaskId>(z.string().regex(/^[0-9a-f]{64}$/));
export const taskKeySchema = branded<TaskKey>(z.string().min(1).max(300));
export const commitIdSchema = branded<CommitId>(z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/));
export const generationIdSchema = branded<GenerationId>(z.string().regex(/^(?:origin|[0-9a-f]{16})$/));
export const blobIdSchema = branded<BlobId>(z.string().regex(/^[0-9a-f]{64}$/));
export const hostIdSchema = branded<HostId>(z.string().min(1).max(128));
export const wallMsSchema = branded<WallMs>(z.int().nonnegative());

export const runIdOf = (task: TaskId, attempt: number): RunId => `${task}/${attempt}` as RunId;
export const taskOfRun = (run: RunId): TaskId => run.slice(0, run.indexOf('/')) as TaskId;
export const monoMs = (value: number): MonoMs => value as MonoMs;
export const wallMs = (value: number): WallMs => value as WallMs;

/** Code-unit order: the one order used wherever ids are sorted, the same on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The short form that people see. Any unambiguous prefix is accepted back. */
export const shortTask = (id: TaskId): string => id.slice(0, 8);
/** Peer ids share their first characters (the key type), so the short form is the tail. */
export const shortPeer = (id: PeerId): string => id.slice(-8);
