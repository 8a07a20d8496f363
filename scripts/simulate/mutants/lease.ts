import type { Edit, Mutant } from './mutant.ts';

const proposer = (find: string, replace: string): Edit => ({ file: 'src/election/proposer.ts', find, replace });
const timing = (find: string, replace: string): Edit => ({ file: 'src/protocol/timing.ts', find, replace });

/** P4 without its second half: only the monotonic clock ends a belief. */
const monotonicOnly = proposer(
  'return now.monoMs < until && Math.abs(now.wallMs - sentWall) < this.#leaseMs;',
  'return now.monoMs < until;',
);

/** Mistakes about how long somebody may believe that it leads. */
export const leaseMutants: readonly Mutant[] = [
  {
    id: 'deadline-at-ack',
    mistake: 'P1, P4: the deadline is counted from the majority of acks, not from before the round was sent',
    breaks: ['I1', 'I2', 'I9'],
    edits: [
      proposer('    if (!this.#inTime(now)) return nothing;\n\n    const won', '    const won'),
      proposer('    this.#held = this.#inFlight;\n', '    this.#held = this.#deadline(now);\n'),
    ],
  },
  {
    id: 'one-deadline',
    mistake: 'P4, P5: one variable for the deadline held and the one in flight, so that an unanswered round extends',
    breaks: ['I1', 'I2', 'I9'],
    edits: [
      proposer(
        'seq: version.seq + 1 };\n    this.#inFlight = this.#deadline(now);',
        'seq: version.seq + 1 };\n    this.#inFlight = this.#deadline(now);\n    this.#held = this.#inFlight;',
      ),
      proposer(
        'this.#expectLeading(now);\n    this.#inFlight = this.#deadline(now);',
        'this.#expectLeading(now);\n    this.#inFlight = this.#deadline(now);\n    this.#held = this.#inFlight;',
      ),
    ],
  },
  {
    id: 'resend-extends',
    mistake: 'P5: a renewal sends the same version again with a new deadline, and electors ack that without extending',
    breaks: ['I1', 'I2', 'I9'],
    edits: [proposer('version: { ballot: version.ballot, seq: version.seq + 1 },', 'version,')],
  },
  {
    id: 'belief-by-timer',
    mistake: 'P4: a timer ends the belief, and no handler asks the deadline',
    breaks: ['I1', 'I2', 'I9'],
    edits: [
      proposer(
        "return this.#phase === 'leading' && this.#held !== null && this.#holds(this.#held, now);",
        "return this.#phase === 'leading';",
      ),
    ],
  },
  {
    id: 'lease-too-long',
    mistake: 'Timing: D_P is longer than D_A',
    breaks: ['I1', 'I2', 'I9'],
    edits: [timing('leaseMs: 4_000', 'leaseMs: 6_000')],
  },
  {
    id: 'no-drift-margin',
    mistake: 'Timing: D_A is D_P, without the margin for a slow clock',
    breaks: ['I1', 'I2', 'I9'],
    edits: [timing('electorLeaseMs: 4_400', 'electorLeaseMs: 4_000')],
  },
  {
    id: 'sleep-undetected',
    mistake: 'P4: only the monotonic clock ends a belief, and of one sleep nobody tells the core',
    breaks: ['I1', 'I2', 'I9'],
    edits: [monotonicOnly],
  },
  {
    // The driver's word alone could be left out: P4's second half then ends each belief in time, which is why it is there.
    id: 'wake-up-unnoticed',
    mistake:
      'Sleep, P4: neither the driver nor the wall clock tells of a wake-up, so what was held before it is still held',
    breaks: ['I1', 'I2', 'I9'],
    edits: [
      monotonicOnly,
      {
        file: 'src/peer/sleep.ts',
        find: 'return lostMs < noticeableMs ? 0 : lostMs;',
        replace: 'return 0 * lostMs;',
      },
    ],
  },
];
