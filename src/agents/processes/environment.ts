/**
 * What an agent may see of the peer's environment. Whatever is not named here, tokens and keys first of all, it does
 * not get.
 */
const Inherited = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TERM', 'TZ']);

const isInherited = (name: string): boolean => Inherited.has(name) || name.startsWith('LC_');

export interface AgentEnvironment {
  readonly tmp: string;
  /** For whoever is told of them by the environment alone. */
  readonly taskFile?: string;
  readonly sessionDir?: string;
}

/** The environment of whatever runs in an agent's clone, built from an allow-list. */
export function bareEnvironment(
  tmp: string,
  from: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const inherited = Object.entries(from).flatMap(([name, value]) =>
    value !== undefined && isInherited(name) ? [[name, value]] : [],
  );
  // Nobody is there to answer.
  return { ...Object.fromEntries(inherited), TMPDIR: tmp, GIT_TERMINAL_PROMPT: '0' };
}

/** That of an agent's command. */
export const agentEnvironment = (
  { tmp, taskFile, sessionDir }: AgentEnvironment,
  from: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> => ({
  ...bareEnvironment(tmp, from),
  ...(taskFile !== undefined && { PEER_TASK_FILE: taskFile }),
  ...(sessionDir !== undefined && { PEER_SESSION_DIR: sessionDir }),
});
