import { inject } from 'vitest';
import { ClaudeCodeExecutor } from '../../src/agents/executors/claude-code/executor.ts';
import { claudeCodeSettings } from '../../src/agents/executors/claude-code/settings.ts';

// What the agent inherits.
process.env.HOME = inject('emptyHome');

/** The real CLI, with a login of these variables; it tries twice more, not for a minute and a half. */
export const realExecutor = (url: string, login: Readonly<Record<string, string>>): ClaudeCodeExecutor =>
  new ClaudeCodeExecutor({
    ...claudeCodeSettings({
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      CLAUDE_CODE_PATH: inject('claudePath'),
      ANTHROPIC_BASE_URL: url,
      ...login,
    }),
    retries: 2,
  });
