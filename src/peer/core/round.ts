import { manyPeers, rankBids, stallReason } from '../../election/placement.ts';
import type { Answer } from '../../protocol/bids.ts';
import type { MonoMs, PeerId } from '../../protocol/ids.ts';
import type { StandingAnswer } from '../../protocol/summary.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { KeptAnswer } from './seats.ts';

/** One bid round: from the call for an attempt to its assignment. */
export interface Round {
  readonly attempt: number;
  readonly startedAt: MonoMs;
}

export type Verdict =
  | { readonly type: 'choose'; readonly worker: PeerId }
  | { readonly type: 'wait'; readonly forMs: number }
  | { readonly type: 'stall'; readonly reason: string };

/** The answers that count in a round: to its call or a later one, from peers that are there. */
export function countedAnswers(
  answers: ReadonlyMap<PeerId, KeptAnswer>,
  attempt: number,
  reachable: readonly PeerId[],
): ReadonlyMap<PeerId, Answer> {
  const counted = new Map<PeerId, Answer>();
  for (const peer of reachable) {
    const kept = answers.get(peer);
    if (kept !== undefined && kept.attempt >= attempt) counted.set(peer, kept.answer);
  }
  return counted;
}

/** When the first of the bids that count came in. */
export function firstBidAt(kept: ReadonlyMap<PeerId, KeptAnswer>, counted: ReadonlyMap<PeerId, Answer>): MonoMs | null {
  const times = [...counted].flatMap(([peer, answer]) => (answer.type === 'bid' ? [kept.get(peer)?.at ?? 0] : []));
  return times.length === 0 ? null : (Math.min(...times) as MonoMs);
}

/** All that an open round is judged by. */
export interface Standing {
  readonly round: Round;
  readonly answers: ReadonlyMap<PeerId, Answer>;
  readonly firstBidAt: MonoMs | null;
  readonly live: readonly PeerId[];
  /** Whose attempts at this task have failed. */
  readonly hasFailed: ReadonlySet<PeerId>;
  readonly tieBreak: string;
}

/**
 * The round closes when every live peer has answered, or after the window with at least one bid. Among many peers the
 * best bids come first, so it closes soon after the first, and the others are never sent.
 */
export function judge(
  { round, answers, firstBidAt, live, hasFailed, tieBreak }: Standing,
  now: MonoMs,
  { bidWindowMs, bidSettleMs, stallMs }: Timing,
): Verdict {
  const elapsedMs = now - round.startedAt;
  const best = rankBids(answers, tieBreak, hasFailed)[0];
  const closesAtMs = closingTime(round.startedAt + bidWindowMs, firstBidAt, live.length, bidSettleMs);
  const allAnswered = live.every((peer) => answers.has(peer));
  if (best !== undefined && (allAnswered || now >= closesAtMs)) return { type: 'choose', worker: best.peer };
  if (now < closesAtMs) return { type: 'wait', forMs: closesAtMs - now };
  if (elapsedMs < stallMs) return { type: 'wait', forMs: stallMs - elapsedMs };
  const declines = [...answers.values()].filter((answer) => answer.type === 'decline');
  return { type: 'stall', reason: stallReason(declines) };
}

const closingTime = (windowEnd: number, firstBid: MonoMs | null, live: number, settleMs: number): number =>
  live > manyPeers && firstBid !== null ? Math.min(windowEnd, firstBid + settleMs) : windowEnd;

/** For the story: the bids in the order in which they are chosen, then who declined. */
export function standing({ answers, tieBreak, hasFailed }: Standing, max: number): StandingAnswer[] {
  const bids = rankBids(answers, tieBreak, hasFailed).map(({ peer, bid }): StandingAnswer => ({ peer, answer: bid }));
  const declines = [...answers].flatMap(([peer, answer]) => (answer.type === 'decline' ? [{ peer, answer }] : []));
  return [...bids, ...declines].slice(0, max);
}
