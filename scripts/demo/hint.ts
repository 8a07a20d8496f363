import { spawnSync } from 'node:child_process';

/** How a person who has a real agent at hand would use it. */
export function realAgentHint(env: Readonly<Record<string, string | undefined>>): string {
  const claude = spawnSync(env.CLAUDE_CODE_PATH ?? 'claude', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!claude && env.ANTHROPIC_API_KEY === undefined)
    return 'With a coding agent of your own: --executor command --command CMD.';
  const agent = `claude -p --permission-mode acceptEdits --allowedTools "Write,Edit,Bash"`;
  return claude
    ? `You have Claude Code: \`peer start --executor command --command '${agent}'\` uses it.`
    : `You have an Anthropic key: install Claude Code, then \`peer start --executor command --command '${agent}'\` uses it.`;
}
