import { AnthropicExecutor } from '../../../../src/agents/executors/anthropic/executor.ts';
import { modelExecutorContract } from '../../../contracts/model-executor.ts';
import { uses } from '../../../support/messages-api/script.ts';

modelExecutorContract('anthropic', {
  make: (baseUrl, apiKey) => new AnthropicExecutor({ apiKey, baseUrl, backoffMs: [100, 200, 300] }),
  tools: {
    bash: (command) => uses('bash', { command }),
    write: (_, name, content) => uses('write', { file_path: name, content }),
  },
});
