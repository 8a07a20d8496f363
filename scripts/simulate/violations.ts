import type { RunOptions, Violation } from '../../test/sim/result.ts';
import { clock } from './format.ts';

/** Exit codes by class: liveness alone has one of its own, since it says that nothing wrong has been done. */
export const ExitCodes = { fine: 0, unsafe: 1, usage: 2, stuck: 4, interrupted: 130 } as const;
export type ExitCode = (typeof ExitCodes)[keyof typeof ExitCodes];

const livenessInvariants = ['I4', 'I5'];

export function exitCodeOf(violations: readonly Violation[]): ExitCode {
  if (violations.length === 0) return ExitCodes.fine;
  const isLiveness = ({ invariant }: Violation): boolean => livenessInvariants.includes(invariant);
  return violations.every(isLiveness) ? ExitCodes.stuck : ExitCodes.unsafe;
}

export const violationText = ({ invariant, atMs, text }: Violation): string =>
  `${invariant} at ${clock(atMs)}: ${text}`;

export const Engines = ['core', 'libp2p'] as const;
/** What runs: the core in virtual time, or whole peers in real time. */
export type Engine = (typeof Engines)[number];

/** The one command that repeats a run: every option on which it depends is spelled out. */
export function replayOf(options: RunOptions, engine: Engine = 'core'): string {
  const { seed, profile, peers, tasks, durationMs, specialties = [] } = options;
  return [
    `npm run simulate -- --seed ${seed} --profile ${profile}`,
    `--peers ${peers} --tasks ${tasks} --minutes ${durationMs / 60_000}`,
    ...(engine === 'core' ? [] : [`--engine ${engine}`]),
    ...(specialties.length === 0 ? [] : [`--specialties ${specialties.join(',')}`]),
  ].join(' ');
}
