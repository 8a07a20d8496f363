import type { Effect, PeerEvent, Reply } from '../../src/peer/core/io.ts';
import type { Job } from '../../src/protocol/agent.ts';
import type { RunId, TaskId } from '../../src/protocol/ids.ts';
import type { Timing } from '../../src/protocol/timing.ts';
import type { AgentScript, PublishScript } from './script.ts';

export interface PeerSpec {
  readonly name: string;
  readonly specialties?: readonly string[];
  readonly capacity?: number;
  /** Its clock's speed; 1 = true time. */
  readonly rate?: number;
  /** Not started with the world. */
  readonly later?: boolean;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly timing?: Partial<Timing>;
  readonly agent?: AgentScript;
  readonly publish?: PublishScript;
}

export type Outgoing = Exclude<Extract<Effect, { type: 'send' }>['message'], { type: 'log-query' | 'log-piece' }>;

/** What an observer with true time has seen; the tests' and oracles' material. */
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
  /** Leases won while another peer believed to hold them. */
  readonly contested: { readonly at: number; readonly task: TaskId; readonly leaders: readonly string[] }[];
  readonly sent: { readonly at: number; readonly from: string; readonly to: string; readonly message: Outgoing }[];
}
