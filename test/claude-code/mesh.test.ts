import { inject } from 'vitest';
import { describeInAMesh } from '../contracts/model-mesh.ts';
import { claudeTools } from '../support/claude-tools.ts';

const env = (apiUrl: string) => ({
  HOME: inject('emptyHome'),
  CLAUDE_CODE_PATH: inject('claudePath'),
  ANTHROPIC_BASE_URL: apiUrl,
});

describeInAMesh({
  executor: 'claude-code',
  tools: claudeTools,
  env: (apiUrl, key) => ({ ...env(apiUrl), ANTHROPIC_API_KEY: key }),
  planEnv: (apiUrl, token) => ({ ...env(apiUrl), CLAUDE_CODE_OAUTH_TOKEN: token }),
  sessionIn: (log) => /^session ([0-9a-f-]{36}) /m.exec(log)?.[1],
});
