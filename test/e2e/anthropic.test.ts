import { describeInAMesh } from '../contracts/model-mesh.ts';
import { uses } from '../support/messages-api/script.ts';

describeInAMesh({
  executor: 'anthropic',
  tools: {
    bash: (command) => uses('bash', { command }),
    write: (_, name, content) => uses('write', { file_path: name, content }),
  },
  env: (apiUrl, key) => ({ ANTHROPIC_BASE_URL: apiUrl, ANTHROPIC_API_KEY: key }),
  sessionIn: (log) => /session ([0-9a-f-]{36}) (?:begins|goes on)/.exec(log)?.[1],
});
