import { modelExecutorContract } from '../contracts/model-executor.ts';
import { claudeTools } from '../support/claude-tools.ts';
import { realExecutor } from './support.ts';

modelExecutorContract('claude-code', {
  tools: claudeTools,
  make: (url, key) => realExecutor(url, { ANTHROPIC_API_KEY: key }),
});
