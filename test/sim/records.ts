import type { Effect, PeerEvent, Reply } from '../../src/peer/core/io.ts';
import type { Job } from '../../src/protocol/agent.ts';
import type { RunId } from '../../src/protocol/ids.ts';
import type { Observation } from './observation.ts';

export interface PeerSpec {
  readonly name: string;
  readonly specialties?: readonly string[];
  readonly capacity?: number;
  /** Its clocks' speed; 1 = true time. */
  readonly rate?: number;
  readonly wallOffsetMs?: number;
  /** Not started with the world. */
  readonly later?: boolean;
  /** Its budgets, in USD. */
  readonly dailyUsd?: number;
  readonly meshDailyUsd?: number;
}

export type Outgoing = Exclude<Extract<Effect, { type: 'send' }>['message'], { type: 'log-query' | 'log-piece' }>;

/** Everything that was done, and what oracles would have seen, for tests of minutes: a run of hours observes instead. */
export interface Records {
  readonly replies: Map<string, Reply>;
  readonly events: { readonly at: number; readonly peer: string; readonly event: PeerEvent }[];
  readonly started: { readonly at: number; readonly peer: string; readonly job: Job; readonly running: number }[];
  readonly stopped: { readonly at: number; readonly peer: string; readonly run: RunId; readonly reason: string }[];
  /** Agents that are no more, killed ones included. */
  readonly ended: { readonly at: number; readonly peer: string; readonly run: RunId }[];
  readonly published: {
    readonly at: number;
    readonly peer: string;
    readonly run: RunId;
    readonly step: string;
    readonly validMs: number;
  }[];
  readonly observed: Observation[];
  readonly sent: { readonly at: number; readonly from: string; readonly to: string; readonly message: Outgoing }[];
}
