import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/**/*.test.ts'],
    // They need a program that is not ours: `npm run test:claude-code`.
    exclude: [...configDefaults.exclude, 'test/claude-code/**'],
    // Each end-to-end test brings five processes of its own.
    maxWorkers: 2,
    // A deadline is for what hangs, not for what is slow on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
