import type { Edit, Mutant } from './mutant.ts';

const means = (find: string, replace: string): Edit => ({ file: 'src/peer/core/means.ts', find, replace });
const spending = (find: string, replace: string): Edit => ({ file: 'src/peer/core/spending.ts', find, replace });

/** Mistakes about what may be spent, and what has been. */
export const moneyMutants: readonly Mutant[] = [
  {
    id: 'bids-without-means',
    mistake: 'Quota: a peer that was told it is out of quota, or has spent its day, goes on taking work',
    breaks: ['I11'],
    edits: [means('return this.exhausted(now) ?? this.#meshLack(now);', 'return this.#meshLack(now);')],
  },
  {
    id: 'others-not-handed-over',
    mistake: 'Quota: of the attempts on a peer only the one that met the limit ends, and the others go on spending',
    breaks: ['I11'],
    edits: [
      {
        file: 'src/peer/core/core.ts',
        find: '    if (lack !== null) worker.handOver(lack, step);\n',
        replace: '',
      },
    ],
  },
  {
    id: 'spend-counted-twice',
    mistake: 'Spend: each report counts for the total that it tells, not for what it adds to the last',
    breaks: ['I12'],
    edits: [spending('this.#add(total - before, step);', 'this.#add(total, step);')],
  },
  {
    id: 'spend-not-durable',
    mistake: 'Spend: what is counted is written with the next fsync, whenever that may be',
    breaks: ['I12'],
    edits: [spending("step.persist({ kind: 'spend', ...spend });", "step.persistLazily({ kind: 'spend', ...spend });")],
  },
  {
    id: 'task-budget-ignored',
    mistake: 'Budget: a task whose budget is spent is given another attempt all the same',
    breaks: ['I12'],
    edits: [
      {
        file: 'src/peer/core/leadership.ts',
        find: '    if (this.#givesUp(state, step)) return;\n',
        replace: '',
      },
      {
        file: 'src/peer/core/supervision.ts',
        find: 'isTerminal(ended) || wantOfMoney(ended, seat.task.body) !== null',
        replace: 'isTerminal(ended)',
      },
    ],
  },
];
