import { defineConfig } from 'vitest/config';

/** The kill tests many times over; SOAK_RUNS says how many times each. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/e2e/kill*.test.ts'],
    env: { SOAK_RUNS: process.env.SOAK_RUNS ?? '20' },
    fileParallelism: false,
  },
});
