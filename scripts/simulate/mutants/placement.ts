import type { Mutant } from './mutant.ts';

/** Mistakes about who is given what. */
export const placementMutants: readonly Mutant[] = [
  {
    id: 'beyond-capacity',
    mistake: 'Placement: a worker takes on what is assigned to it, though its slots are taken',
    breaks: ['I7'],
    edits: [
      {
        file: 'src/peer/core/worker.ts',
        find: '!mayStart || this.running >= this.#config.capacity',
        replace: '!mayStart',
      },
    ],
  },
  {
    id: 'twins-unresolved',
    mistake: 'Duplicates: of two tasks with one key none gives way to the other',
    breaks: ['I3'],
    edits: [
      {
        file: 'src/peer/core/catalogue.ts',
        find: 'return best !== undefined && byPrecedence(best, entry) < 0 ? best.task.id : null;',
        replace: 'return null;',
      },
    ],
  },
];
