import { defineConfig } from 'vitest/config';

/** The real Claude Code CLI against the scripted API: CLAUDE_CODE_PATH's, or one that is installed for the time of the tests. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts', 'test/claude-code/install.ts'],
    include: ['test/claude-code/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
  },
});
