import { spawnSync } from 'node:child_process';

const agent = 'claude -p --permission-mode acceptEdits --allowedTools "Write,Edit,Bash"';

/** How a person who has a real agent at hand would use it. */
export function realAgentHint(env: Readonly<Record<string, string | undefined>>): string {
  if (env.ANTHROPIC_API_KEY !== undefined) {
    const command = `ANTHROPIC_API_KEY=$(cat ~/.anthropic-key) ${agent}`;
    return `You have an Anthropic key. With Claude Code installed, a peer uses it by
  peer start --executor command --command '${command}'
(an agent's environment is made from an allow-list, so the command brings the key itself).`;
  }
  const hasClaude = spawnSync(env.CLAUDE_CODE_PATH ?? 'claude', ['--version'], { stdio: 'ignore' }).status === 0;
  return hasClaude
    ? `You have Claude Code. A peer uses it by\n  peer start --executor command --command '${agent}'`
    : 'A peer uses an agent of your own by --executor command --command CMD.';
}
