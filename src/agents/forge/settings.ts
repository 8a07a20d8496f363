/** Which GitHub, and as whom. */
export interface GitHubSettings {
  /** Both without a slash at the end. */
  readonly apiUrl: string;
  readonly serverUrl: string;
  /** Null: only what is public can be read, and nothing written. */
  readonly token: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads GITHUB_TOKEN, GITHUB_API_URL and GITHUB_SERVER_URL; an empty variable is as good as none. */
export function gitHubSettings(env: Environment): GitHubSettings {
  return {
    apiUrl: withoutSlash(env.GITHUB_API_URL || 'https://api.github.com'),
    serverUrl: withoutSlash(env.GITHUB_SERVER_URL || 'https://github.com'),
    token: env.GITHUB_TOKEN?.trim() || null,
  };
}

const withoutSlash = (url: string): string => url.trim().replace(/\/+$/, '');
