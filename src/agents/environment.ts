/** What an agent may see of the peer's environment. Whatever is not named here, tokens and keys first of all, it does not get. */
const Inherited = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TERM', 'TZ']);

const isInherited = (name: string): boolean => Inherited.has(name) || name.startsWith('LC_');

export interface AgentEnvironment {
  readonly tmp: string;
  /** For whoever is told of them by the environment alone. */
  readonly taskFile?: string;
  readonly sessionDir?: string;
}

/** The environment of an agent's command, built from an allow-list. */
export function agentEnvironment(
  { tmp, taskFile, sessionDir }: AgentEnvironment,
  from: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const inherited = Object.entries(from).flatMap(([name, value]) =>
    value !== undefined && isInherited(name) ? [[name, value]] : [],
  );
  return {
    ...Object.fromEntries(inherited),
    TMPDIR: tmp,
    ...(taskFile !== undefined && { PEER_TASK_FILE: taskFile }),
    ...(sessionDir !== undefined && { PEER_SESSION_DIR: sessionDir }),
    // Nobody is there to answer.
    GIT_TERMINAL_PROMPT: '0',
  };
}
