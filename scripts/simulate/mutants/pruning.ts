import type { Edit, Mutant } from './mutant.ts';

const burials = (find: string, replace: string): Edit => ({ file: 'src/peer/core/burials.ts', find, replace });

/** Mistakes about what is left of tasks that ended long ago. */
export const pruningMutants: readonly Mutant[] = [
  {
    id: 'pruned-without-trace',
    mistake: 'Pruning: a task is forgotten with all that came of it',
    breaks: ['I4', 'I8'],
    edits: [burials('    if (tombstone !== null) this.#parts.catalogue.tombstones.lay(tombstone, step);\n', '')],
  },
  {
    id: 'round-forgotten',
    mistake: 'Pruning: a key is submitted as if it had never been asked for, once its tasks are pruned',
    breaks: ['I8'],
    edits: [
      {
        file: 'src/peer/core/submissions.ts',
        find: 'const buried = this.#catalogue.tombstones.latest(draft.key);',
        replace: 'const buried = this.#catalogue.tombstones.latest("");',
      },
    ],
  },
  {
    id: 'tombstone-ignored',
    mistake: 'Pruning: who knows a task as open goes on with it, whatever a tombstone says',
    breaks: ['I5'],
    edits: [
      burials('    if (entry !== undefined) this.#forget(entry, step);\n', '    if (entry !== undefined) return;\n'),
    ],
  },
];
