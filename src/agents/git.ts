import { execa } from 'execa';
import { MarkVariable } from './processes/processes.ts';

/** Where to clone from and push to. `authorization` is the value of an http Authorization header. */
export interface GitRemote {
  readonly url: string;
  readonly authorization: string | null;
}

export interface GitOptions {
  readonly cwd?: string | undefined;
  /** Said explicitly wherever a repository is meant: git then looks for none around `cwd`. */
  readonly gitDir?: string | undefined;
  /** Its credential goes to the remote's own host only, by the environment: never on argv, never into a file. */
  readonly remote?: GitRemote | undefined;
  readonly input?: string | undefined;
  readonly inputFile?: string | undefined;
  /** More variables for git itself, e.g. GIT_INDEX_FILE. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

export type GitErrorCode =
  | 'auth'
  | 'not-found'
  | 'network'
  | 'timeout'
  | 'aborted'
  /** No `git` on this PC. */
  | 'no-git'
  | 'failed';

export class GitError extends Error {
  override readonly name = 'GitError';
  readonly code: GitErrorCode;
  readonly stderr: string;
  readonly exitCode: number | null;

  constructor(code: GitErrorCode, message: string, stderr: string, exitCode: number | null) {
    super(message);
    this.code = code;
    this.stderr = stderr;
    this.exitCode = exitCode;
  }
}

let mark: string | null = null;

/** From now on every git carries the mark, so that the next process can find one that has outlived this one. */
export function markGit(value: string): void {
  mark = value;
}

const DefaultTimeoutMs = 15 * 60_000;

/**
 * Runs git with nothing of the system's, the user's or an agent's making: no configuration but ours, no hooks, no
 * prompts. Throws GitError. Trailing line ends of stdout are cut off.
 */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<{ readonly stdout: string }> {
  if (options.signal?.aborted) throw new GitError('aborted', `git ${args[0]}: stopped before it began`, '', null);
  const running = execa('git', args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...inputOf(options),
    env: environment(options),
    extendEnv: false,
    reject: false,
    // A process group of its own, so that its helpers (ssh, git-remote-https) end with it.
    detached: true,
  });
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.timeoutMs ?? DefaultTimeoutMs);
  const releases = [options.signal, deadline.signal].map((signal) => killOn(signal, running.pid));
  const result = await running.finally(() => {
    clearTimeout(timer);
    for (const release of releases) release();
  });
  if (!result.failed) return { stdout: result.stdout };
  const stderr = redact(result.stderr ?? '');
  const end = result.exitCode === undefined ? `ended by ${result.signal}` : `exit code ${result.exitCode}`;
  const told = explain(stderr) ?? redact(result.originalMessage ?? end);
  const code = options.signal?.aborted
    ? 'aborted'
    : deadline.signal.aborted
      ? 'timeout'
      : result.code === 'ENOENT'
        ? 'no-git'
        : classify(stderr);
  throw new GitError(code, `git ${args[0]}: ${told}`, stderr, result.exitCode ?? null);
}

const KillAfterMs = 2_000;

/** Ends a process group when `signal` aborts: politely, so that git removes its locks, then by force. */
function killOn(signal: AbortSignal | undefined, pid: number | undefined): () => void {
  if (signal === undefined || pid === undefined) return () => {};
  let force: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup(pid, 'SIGTERM');
    force = setTimeout(() => killGroup(pid, 'SIGKILL'), KillAfterMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(force);
  };
}

function killGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

const inputOf = ({ input, inputFile }: GitOptions): { input: string } | { inputFile: string } | { stdin: 'ignore' } =>
  input !== undefined ? { input } : inputFile !== undefined ? { inputFile } : { stdin: 'ignore' };

/** What git may see of the peer's environment: paths, proxies, certificates, the ssh agent. No token of any kind. */
const Inherited = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'],
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
];

/** The same in every call; each overrides what a repository's own configuration says. */
const Settings: readonly (readonly [key: string, value: string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.pager', 'cat'],
  ['credential.helper', ''],
  ['commit.gpgSign', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  ['advice.detachedHead', 'false'],
  ['http.lowSpeedLimit', '1000'],
  ['http.lowSpeedTime', '60'],
];

function environment({ gitDir, remote, env }: GitOptions): Record<string, string> {
  const inherited = Object.fromEntries(
    Inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const settings = [...Settings, ...authorization(remote)];
  return {
    ...inherited,
    ...(mark === null ? {} : { [MarkVariable]: mark }),
    // Messages are matched below.
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    // No `ext::`, which runs commands. Unlike configuration this also reaches what git starts in another repository.
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    ...(gitDir === undefined ? {} : { GIT_DIR: gitDir }),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(settings.map(([key], i) => [`GIT_CONFIG_KEY_${i}`, key])),
    ...Object.fromEntries(settings.map(([, value], i) => [`GIT_CONFIG_VALUE_${i}`, value])),
    ...env,
  };
}

/** The header is bound to the remote's origin, and redirects end there: a token never follows one to another host. */
function authorization(remote: GitRemote | undefined): readonly (readonly [string, string])[] {
  if (remote === undefined || remote.authorization === null) return [];
  const { origin } = new URL(remote.url);
  return [
    [`http.${origin}/.extraHeader`, `Authorization: ${remote.authorization}`],
    ['http.followRedirects', 'false'],
  ];
}

const Symptoms: readonly (readonly [GitErrorCode, RegExp])[] = [
  ['auth', /authentication failed|could not read (username|password)|permission denied|host key verification failed/i],
  ['auth', /terminal prompts disabled|requested url returned error: 40[13]|access denied/i],
  ['not-found', /repository ('.*' )?not found|does not appear to be a git repository|repository '.*' does not exist/i],
  ['not-found', /requested url returned error: 404/i],
  ['network', /could not resolve host|connection (refused|timed out|reset|closed)|failed to connect|couldn't connect/i],
  ['network', /early eof|hung up unexpectedly|rpc failed|returned error: (429|5\d\d)|operation too slow|timed out/i],
  [
    'network',
    /network is unreachable|temporary failure|empty reply from server|recv failure|\bssl\b|\btls\b|no route to host/i,
  ],
];

const classify = (stderr: string): GitErrorCode =>
  Symptoms.find(([, pattern]) => pattern.test(stderr))?.[0] ?? 'failed';

/** The line that says why: the first `fatal:` or `error:`, else the last of all. */
function explain(stderr: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trim());
  const first = lines.findIndex((line) => /^(remote: )?(fatal|error):/i.test(line));
  const telling = sshReason(lines, first) ?? lines[first] ?? lines.findLast((line) => line !== '');
  return telling === undefined ? null : telling.slice(0, 400);
}

/** Where ssh has failed, git knows no more than that: what ssh has said stands before it. */
function sshReason(lines: readonly string[], fatal: number): string | undefined {
  if (!/^fatal: could not read from remote repository/i.test(lines[fatal] ?? '')) return undefined;
  return lines.slice(0, fatal).findLast((line) => line !== '' && !/^warning:/i.test(line));
}

/** `https://user:secret@host/` → `https://host/`: such a URL may come from a person's own command line. */
export const redact = (text: string): string => text.replaceAll(/(:\/\/)[^/@\s]+@/g, '$1');
