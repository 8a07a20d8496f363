import { emptyStored, type Store } from './store.ts';

/** For a client: it makes no promise that would have to outlive it. */
export const createVolatileStore = (): Store => ({
  open: () => Promise.resolve({ stored: emptyStored(), incarnation: 1 }),
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
});
