/**
 * Limits on what comes from outside, in bytes unless the name says otherwise. Checked at decode, before any handler.
 */
export const Limits = {
  /** The snapshot in a task record (title and body together with its comments). */
  prompt: 64 * 1024,
  record: 96 * 1024,
  /** One direct frame: every message that one step sends to one peer. */
  frame: 1024 * 1024,
  gossip: 256 * 1024,
  messagesPerFrame: 4096,
  title: 500,
  line: 500,
  reason: 2_000,
  specialties: 16,
  electors: 5,
  /** A checkpoint's bytes: a bundle of what the base lacks, and the agent's session. */
  checkpoint: 64 * 1024 * 1024,
  /** Checkpoints of an attempt that a register names, for people; only the last of a task is ever resumed from. */
  checkpointsKept: 20,
  /** Attempts kept in a register; the oldest that ended go first. */
  attemptsKept: 32,
  bidsPerStory: 32,
  storyEventsPerSummary: 64,
  /** Bids kept for a task whose record has not arrived yet, or by an elector without a leader. */
  answersPerTask: 256,
  syncEntries: 2_000,
  /** Tasks that ended more than 30 days ago of which a peer knows what came of them: the newest, some 3 MB of them. */
  tombstones: 5_000,
  /** One tombstone, with whatever newer peers have put into it. */
  tombstone: 8 * 1024,
  /** Characters that a tombstone takes over of each text of its task. */
  tombstoneText: 200,
  /** What an attempt may have cost: agents tell it, and what they start can put words into their mouths. */
  attemptUsd: 100_000,
  /** Of one run, or of one call in it. */
  tokens: 1_000_000_000_000,
  /** Where sums stop, of a task's attempts or a peer's day: what is on disk or sent is always a number. */
  sumUsd: 1_000_000_000,
} as const;
