/**
 * Every duration of the protocol, in milliseconds. A mesh runs one set; tests may pass another.
 */
export interface Timing {
  /** D_P: how long a proposer believes in its lease, from before the round was sent (P1, P5). */
  readonly leaseMs: number;
  /** D_A: how long an elector keeps a lease live. D_P · driftMax ≤ D_A, or two leaders can overlap. */
  readonly electorLeaseMs: number;
  readonly renewEveryMs: number;
  /** An elector of rank r tries for a lease r times this late, so that rank 0 usually meets nobody. */
  readonly rankDelayMs: number;
  /** How long a proposer waits for a majority before it tries a higher ballot, before jitter. */
  readonly roundMs: number;
  readonly heartbeatEveryMs: number;
  readonly heartbeatLapseMs: number;
  /** A new leader gives the worker it finds this long to answer. */
  readonly reportMs: number;
  readonly bidWindowMs: number;
  /** Among many peers a round closes so long after its first bid. */
  readonly bidSettleMs: number;
  /** No bid for so long: the task is stalled, with the reasons. */
  readonly stallMs: number;
  /** An offer that led to no assignment is forgotten after this and may be made again. */
  readonly offerMs: number;
  /** An assigned worker that neither heartbeats nor refuses within this is passed over. */
  readonly assignMs: number;
  /** A worker waits so long for its checkpoint's copies before it goes on without them. */
  readonly replicateMs: number;
  readonly grantMs: number;
  /** The share of a grant that the worker uses; the rest is the margin for clock drift. */
  readonly grantUseShare: number;
  readonly preflightMs: number;
  readonly submitMs: number;
  readonly resendMs: number;
  readonly cancelMs: number;
  /** An electorate that is off its aim, or misses an elector, for so long is moved. */
  readonly healAfterMs: number;
  /** Who adopts a task waits so long for what its reachable electors know. */
  readonly readMs: number;
  readonly syncEveryMs: number;
  readonly advertEveryMs: number;
  readonly progressEveryMs: number;
  readonly drainMs: number;
  /** A peer out of quota that was not told until when tries again after this. */
  readonly quotaRetryMs: number;
  /** What a budget is for: counted from the epoch, so that a day of 24 hours ends at midnight UTC. */
  readonly budgetDayMs: number;
  readonly keepFinishedMs: number;
}

export const defaultTiming: Timing = {
  leaseMs: 4_000,
  electorLeaseMs: 4_400,
  renewEveryMs: 1_000,
  rankDelayMs: 300,
  roundMs: 400,
  heartbeatEveryMs: 1_000,
  heartbeatLapseMs: 5_000,
  reportMs: 1_000,
  bidWindowMs: 250,
  bidSettleMs: 25,
  stallMs: 5_000,
  offerMs: 1_000,
  assignMs: 2_000,
  replicateMs: 5_000,
  grantMs: 30_000,
  grantUseShare: 0.9,
  preflightMs: 250,
  submitMs: 10_000,
  resendMs: 1_000,
  cancelMs: 10_000,
  healAfterMs: 30_000,
  readMs: 1_000,
  syncEveryMs: 30_000,
  advertEveryMs: 15_000,
  progressEveryMs: 5_000,
  drainMs: 8_000,
  quotaRetryMs: 15 * 60_000,
  budgetDayMs: 24 * 3_600_000,
  keepFinishedMs: 30 * 24 * 3_600_000,
};
