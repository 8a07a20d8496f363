import { z } from 'zod';
import { byText, type PeerId, peerIdSchema } from './ids.ts';

/** One run of one peer. `incarnation` is durable and grows at every start, so a restarted peer is another owner. */
export interface Owner {
  readonly peer: PeerId;
  readonly incarnation: number;
}

/** Orders the leases of one task; the task's fencing token. */
export interface Ballot extends Owner {
  readonly round: number;
}

/** Names one write to a register: the ballot it was made at and its place within that ballot. */
export interface Version {
  readonly ballot: Ballot;
  readonly seq: number;
}

export const ownerSchema = z.object({ peer: peerIdSchema, incarnation: z.int().nonnegative() });
export const ballotSchema = ownerSchema.extend({ round: z.int().nonnegative() });
export const versionSchema = z.object({ ballot: ballotSchema, seq: z.int().nonnegative() });

export const compareBallots = (a: Ballot, b: Ballot): number =>
  a.round - b.round || byText(a.peer, b.peer) || a.incarnation - b.incarnation;

export const compareVersions = (a: Version, b: Version): number => compareBallots(a.ballot, b.ballot) || a.seq - b.seq;

/** Null, "none so far", is below every version. */
export const compareMaybeVersions = (a: Version | null, b: Version | null): number =>
  a === null ? (b === null ? 0 : -1) : b === null ? 1 : compareVersions(a, b);

export const sameBallot = (a: Ballot, b: Ballot): boolean => compareBallots(a, b) === 0;
export const sameVersion = (a: Version, b: Version): boolean => compareVersions(a, b) === 0;
export const sameOwner = (a: Owner, b: Owner): boolean => a.peer === b.peer && a.incarnation === b.incarnation;
export const ownerOf = (ballot: Ballot): Owner => ({ peer: ballot.peer, incarnation: ballot.incarnation });

/** `3.12D3…aXbY.2#4`: round, peer, incarnation, seq; for logs. */
export const describeVersion = ({ ballot, seq }: Version): string =>
  `${ballot.round}.${ballot.peer.slice(-4)}.${ballot.incarnation}#${seq}`;
