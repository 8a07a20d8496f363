import type { Store } from './store.ts';

/** For a client: it makes no promise that would have to outlive it. */
export const createVolatileStore = (): Store => ({
  open: () =>
    Promise.resolve({
      stored: {
        tasks: [],
        registers: [],
        knowledge: [],
        submissions: [],
        peers: [],
        spend: [],
        quotas: [],
        tombstones: [],
      },
      incarnation: 1,
    }),
  write: () => Promise.resolve(),
  close: () => Promise.resolve(),
});
