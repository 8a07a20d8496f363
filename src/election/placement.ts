import { type Answer, type Bid, type Decline, describeDecline, type ScoreParts } from '../protocol/bids.ts';
import { minuteText } from '../protocol/days.ts';
import type { PeerId } from '../protocol/ids.ts';
import { Limits } from '../protocol/limits.ts';
import { placeByHash, rankByHash } from './electorate.ts';

/** What each part of a score counts; they add up to 1. */
export const Weights = { specialty: 0.55, freeSlots: 0.25, warm: 0.1, success: 0.1 } as const;

/** What a bidder knows of itself. */
export interface Bidder {
  readonly specialties: readonly string[];
  readonly capacity: number;
  readonly running: number;
  /** The repository has been cloned here before. */
  readonly warm: boolean;
  readonly attemptsDone: number;
  readonly attemptsEnded: number;
}

export interface Requirement {
  readonly specialties: readonly string[];
  readonly explicit: boolean;
}

/** In a mesh of more live peers than this not everybody answers at once: most answers would come to nothing. */
export const manyPeers = 32;
/** Equal bids come so far apart on average, in ms. */
const spreadMs = 1;

/**
 * How long an answer is held back, in ms, to be dropped once the assignment is heard: so the number of bids for a task
 * does not grow with the mesh. The better the bid the sooner; who declines speaks up only where nobody was found.
 */
export function answerDelayMs(answer: Answer, self: PeerId, tieBreak: string, live: number, windowMs: number): number {
  if (live <= manyPeers) return 0;
  if (answer.type === 'decline') return 2 * windowMs;
  return (1 - answer.score) * windowMs + placeByHash(self, tieBreak) * live * spreadMs;
}

/** The answer to a call by a peer that could work at all: an offer, or why it has none. */
export function answerFor(requirement: Requirement, bidder: Bidder): Answer {
  const missing = requirement.specialties.filter((wanted) => !bidder.specialties.includes(wanted));
  if (requirement.explicit && missing.length > 0) return decline('requires', missing.join(', '));
  if (bidder.running >= bidder.capacity) return decline('busy', `${bidder.running} of ${bidder.capacity} slots`);
  const parts: ScoreParts = {
    specialty: specialtyMatch(requirement.specialties, bidder.specialties),
    freeSlots: (bidder.capacity - bidder.running) / bidder.capacity,
    warm: bidder.warm ? 1 : 0,
    // Laplace's rule: a peer without a past stands between one that always and one that never succeeded.
    success: (bidder.attemptsDone + 1) / (bidder.attemptsEnded + 2),
  };
  return { type: 'bid', score: scoreOf(parts), parts };
}

export const decline = (
  reason: Decline['reason'],
  detail: string | null = null,
  until: Decline['until'] = null,
): Decline => ({
  type: 'decline',
  reason,
  // A longer one could not be sent, and its peer would count as silent.
  detail: detail?.slice(0, Limits.line) ?? null,
  until,
});

/** Rounded, so that the same parts make the same score on every machine. */
export function scoreOf(parts: ScoreParts): number {
  const sum =
    Weights.specialty * parts.specialty +
    Weights.freeSlots * parts.freeSlots +
    Weights.warm * parts.warm +
    Weights.success * parts.success;
  return Math.round(sum * 10_000) / 10_000;
}

/** A generalist takes what nobody is special for, and comes second where somebody is. */
function specialtyMatch(wanted: readonly string[], has: readonly string[]): number {
  if (wanted.length === 0) return has.includes('general') ? 1 : 0.5;
  const matched = wanted.filter((one) => has.includes(one)).length / wanted.length;
  return matched > 0 ? matched : has.includes('general') ? 0.3 : 0;
}

/**
 * The bids, best first; who has failed at this very task comes after all others, however well it fits. Equal scores are
 * ordered by the hash of the task and the peer, so that no peer is always second.
 */
export function rankBids(
  answers: ReadonlyMap<PeerId, Answer>,
  tieBreak: string,
  hasFailed: ReadonlySet<PeerId>,
): readonly { peer: PeerId; bid: Bid }[] {
  const bids = [...answers].flatMap(([peer, answer]) => (answer.type === 'bid' ? [{ peer, bid: answer }] : []));
  const order = rankByHash(
    bids.map(({ peer }) => peer),
    tieBreak,
  );
  return bids.sort(
    (a, b) =>
      Number(hasFailed.has(a.peer)) - Number(hasFailed.has(b.peer)) ||
      b.bid.score - a.bid.score ||
      order.indexOf(a.peer) - order.indexOf(b.peer),
  );
}

/**
 * Why a task waits: `2 × busy, 1 × requires (frontend), 3 × quota (until 2026-11-02T14:00Z)`, the first of them to be
 * back.
 */
export function stallReason(declines: readonly Decline[]): string {
  const groups = new Map<string, { readonly first: Decline; readonly count: number }>();
  for (const one of declines) {
    const text = describeDecline(one);
    const known = groups.get(text);
    const first = known === undefined || endsSooner(one, known.first) ? one : known.first;
    groups.set(text, { first, count: (known?.count ?? 0) + 1 });
  }
  if (groups.size === 0) return 'no peer has answered';
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { first, count }]) => `${count} × ${describeWait(first)}`)
    .join(', ')
    .slice(0, Limits.reason);
}

const endsSooner = (one: Decline, other: Decline): boolean =>
  one.until !== null && one.until < (other.until ?? Infinity);

function describeWait({ reason, detail, until }: Decline): string {
  const details = [detail, until === null ? null : `until ${minuteText(until)}`].filter((one) => one !== null);
  return details.length === 0 ? reason : `${reason} (${details.join(', ')})`;
}
