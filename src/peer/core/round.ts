import { rankBids, stallReason } from '../../election/placement.ts';
import { type Answer, describeDecline } from '../../protocol/bids.ts';
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

/** The round closes when every live peer has answered, or after the window with at least one bid. */
export function judge(
  round: Round,
  answers: ReadonlyMap<PeerId, Answer>,
  live: readonly PeerId[],
  now: MonoMs,
  timing: Timing,
  tieBreak: string,
): Verdict {
  const elapsedMs = now - round.startedAt;
  const best = rankBids(answers, tieBreak)[0];
  const allAnswered = live.every((peer) => answers.has(peer));
  if (best !== undefined && (allAnswered || elapsedMs >= timing.bidWindowMs))
    return { type: 'choose', worker: best.peer };
  if (elapsedMs < timing.bidWindowMs) return { type: 'wait', forMs: timing.bidWindowMs - elapsedMs };
  if (elapsedMs < timing.stallMs) return { type: 'wait', forMs: timing.stallMs - elapsedMs };
  const declines = [...answers].flatMap(([peer, answer]) =>
    answer.type === 'decline' ? [{ peer, text: describeDecline(answer) }] : [],
  );
  return { type: 'stall', reason: stallReason(declines) };
}

/** For the story: the bids, best first, then who declined. */
export function standing(answers: ReadonlyMap<PeerId, Answer>, tieBreak: string, max: number): StandingAnswer[] {
  const bids = rankBids(answers, tieBreak).map(({ peer, bid }): StandingAnswer => ({ peer, answer: bid }));
  const declines = [...answers].flatMap(([peer, answer]) => (answer.type === 'decline' ? [{ peer, answer }] : []));
  return [...bids, ...declines].slice(0, max);
}
