import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentEnvironment } from '../../processes/environment.ts';

/** How the CLI is let in to the API, in the order in which the CLI itself would choose. */
export type Login =
  | { readonly type: 'api-key'; readonly key: string }
  /** Of a gateway. */
  | { readonly type: 'auth-token'; readonly key: string }
  /** Of a plan, for a year: `claude setup-token`. */
  | { readonly type: 'oauth-token'; readonly key: string }
  /** The person has logged in on this PC; the CLI keeps that login. */
  | { readonly type: 'plan' };

/** What the `claude-code` executor takes from the environment. */
export interface ClaudeCodeSettings {
  /** CLAUDE_CODE_PATH; `claude` on the PATH where null. */
  readonly path: string | null;
  readonly searchPath: string;
  readonly login: Login;
  readonly baseUrl: string;
  /** How often the CLI tries a call again that has failed for no fault of ours. */
  readonly retries: number;
  readonly own: OwnCli;
}

/** The person's own CLI, where it keeps its login. */
export interface OwnCli {
  readonly home: string;
  readonly configDir: string;
  /** Whether that is where the CLI looks by itself. */
  readonly isDefault: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly platform: NodeJS.Platform;
}

type Env = Readonly<Record<string, string | undefined>>;

const ownUrl = 'https://api.anthropic.com';
/** A minute and a half of waiting in all. */
const defaultRetries = 8;
/** The way out to where a login is renewed. */
const ways = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy', 'NODE_EXTRA_CA_CERTS'];

export const claudeCodeSettings = (env: Env, platform = process.platform): ClaudeCodeSettings => ({
  path: env.CLAUDE_CODE_PATH || null,
  searchPath: env.PATH ?? '',
  login: loginOf(env),
  baseUrl: env.ANTHROPIC_BASE_URL || ownUrl,
  retries: defaultRetries,
  own: ownCli(env, platform),
});

function loginOf(env: Env): Login {
  if (env.ANTHROPIC_AUTH_TOKEN) return { type: 'auth-token', key: env.ANTHROPIC_AUTH_TOKEN };
  if (env.ANTHROPIC_API_KEY) return { type: 'api-key', key: env.ANTHROPIC_API_KEY };
  if (env.CLAUDE_CODE_OAUTH_TOKEN) return { type: 'oauth-token', key: env.CLAUDE_CODE_OAUTH_TOKEN };
  return { type: 'plan' };
}

function ownCli(env: Env, platform: NodeJS.Platform): OwnCli {
  const home = env.HOME || homedir();
  const given = env.CLAUDE_CONFIG_DIR || null;
  const passed = [...ways, 'CLAUDE_CONFIG_DIR'].flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return {
    home,
    configDir: given ?? join(home, '.claude'),
    isDefault: given === null,
    env: {
      ...agentEnvironment({ tmp: tmpdir() }, env),
      ...Object.fromEntries(passed),
      DISABLE_AUTOUPDATER: '1',
    },
    platform,
  };
}

/** Somebody pays for each call; a plan is paid for already. */
export const isBilled = ({ type }: Login): boolean => type === 'api-key' || type === 'auth-token';
