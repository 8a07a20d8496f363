import { join } from 'node:path';
import type { ToolSpelling } from '../contracts/model-executor.ts';
import { uses } from './messages-api/script.ts';

/** The tools of Claude Code. */
export const claudeTools: ToolSpelling = {
  bash: (command) => uses('Bash', { command, description: 'A command' }),
  write: (cwd, name, content) => uses('Write', { file_path: join(cwd, name), content }),
};
