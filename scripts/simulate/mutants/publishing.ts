import type { Edit, Mutant } from './mutant.ts';

const leadership = (find: string, replace: string): Edit => ({ file: 'src/peer/core/leadership.ts', find, replace });
const supervision = (find: string, replace: string): Edit => ({ file: 'src/peer/core/supervision.ts', find, replace });
const leaders = (find: string, replace: string): Edit => ({ file: 'src/peer/core/leaders.ts', find, replace });
/** The virtual twin of the product's publisher. */
const publisher = (find: string, replace: string): Edit => ({ file: 'test/sim/forge/publishing.ts', find, replace });

/** Mistakes on the way from a commit to a pull request. */
export const publishingMutants: readonly Mutant[] = [
  {
    // Without its lease it can commit nothing, so what it grants is known to nobody else.
    id: 'late-grant',
    mistake: 'P4: a leader gives grants for another minute after its deadline, as nothing asks for that before a grant',
    breaks: ['I9'],
    edits: [
      leaders(
        'const leadership = this.#leading(message.task, step);',
        'const leadership = this.#candidacies.get(message.task)?.leadership ?? null;',
      ),
      leaders(
        '    if (!candidacy.proposer.isLeader(step.now)) return this.#lost(task, candidacy, step);\n',
        `    if (!candidacy.proposer.isLeader(step.now)) {
      const late = candidacy as { since?: number | undefined };
      late.since ??= step.monoMs;
      const isOver = step.monoMs - late.since > 60_000;
      if (!isOver) return step.setTimer({ type: 'renew', task, ballot }, this.#parts.config.timing.renewEveryMs);
      late.since = undefined;
      return this.#lost(task, candidacy, step);
    }
`,
      ),
      leadership(
        '    if (!this.#proposer.isLeader(step.now) || this.#proposer.writing || this.#proposer.committed === null) return;\n    const state = this.#proposer.committed.value;\n',
        `    if (this.#proposer.writing || this.#proposer.committed === null) return;
    const state = this.#proposer.committed.value;
    if (!this.#proposer.isLeader(step.now)) return this.#supervision.grantLate(state, activePhase(state), step);
`,
      ),
      supervision(
        '  #wakeAtLapse(step: Step): void {\n',
        `  grantLate(state: TaskState, active: ActivePhase | null, step: Step): void {
    const wish = this.#wish;
    if (wish === null || active?.attempt !== wish.attempt) return;
    this.#consider(wish, { ...state, publication: wish }, { ...active, name: 'publishing' }, step);
  }

  #wakeAtLapse(step: Step): void {
`,
      ),
    ],
  },
  {
    id: 'grant-from-answer',
    mistake: 'Grants: a worker counts a grant from when its answer came, not from when it asked',
    breaks: ['I9'],
    edits: [
      {
        file: 'src/peer/core/reporter.ts',
        find: 'this.#config.timing.grantUseShare - passedMs(sentAt, step.now);',
        replace: 'this.#config.timing.grantUseShare;',
      },
    ],
  },
  {
    id: 'lapse-before-grant',
    mistake: 'Grants: a publishing attempt lapses like any other, before its grant has expired',
    breaks: ['I9'],
    edits: [
      supervision(
        "if (active.name === 'publishing' && this.#grantUntil !== null && step.monoMs < this.#grantUntil) {",
        'if (this.#grantUntil !== null && step.monoMs < 0) {',
      ),
    ],
  },
  {
    id: 'grant-not-inherited',
    mistake: 'Grants: a new leader does not wait for the grant that the last one may have given',
    breaks: ['I9'],
    edits: [
      supervision(
        "    if (active.name === 'publishing') this.#grantUntil = monoMs(step.monoMs + timing.grantMs);\n",
        '',
      ),
    ],
  },
  {
    id: 'push-without-lease',
    mistake: 'Fence: the branch is pushed without compare-and-swap, over whatever is there',
    breaks: ['I3'],
    edits: [
      publisher(
        'forge.push({ place: this.#place, commit, expectedTip, by: job.run }),',
        'forge.push({ place: this.#place, commit, expectedTip: forge.tip(this.#place)?.commit ?? null, by: job.run }),',
      ),
    ],
  },
  {
    id: 'closed-pulls-ignored',
    mistake: 'Fence: closed and merged pull requests do not count when one is to be opened',
    breaks: ['I3'],
    edits: [publisher("(['open', 'merged', 'closed'] as const)", "(['open'] as const)")],
  },
];
