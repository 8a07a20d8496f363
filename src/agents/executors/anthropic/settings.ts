/** What the `anthropic` executor takes from the environment. */
export interface AnthropicSettings {
  readonly apiKey: string | null;
  readonly baseUrl: string;
  /** Pauses before the second, third, … try of a call, in milliseconds. */
  readonly backoffMs: readonly number[];
}

const ownUrl = 'https://api.anthropic.com';
const defaultBackoffMs = [1_000, 3_000, 8_000, 20_000, 45_000] as const;

export const anthropicSettings = (env: Readonly<Record<string, string | undefined>>): AnthropicSettings => ({
  apiKey: env.ANTHROPIC_API_KEY || null,
  baseUrl: env.ANTHROPIC_BASE_URL || ownUrl,
  backoffMs: defaultBackoffMs,
});

/** What specialists say, as Claude Code does, and the ids of today. */
const aliases: Readonly<Record<string, string>> = {
  opus: 'claude-opus-5-5',
  sonnet: 'claude-sonnet-5-5',
  haiku: 'claude-haiku-5-5',
};
const defaultModel = 'claude-sonnet-5-5';

/** The id of a specialist's model: an alias, `inherit` or null for the default, or an id as it is. */
export const modelId = (model: string | null): string =>
  model === null || model === 'inherit' ? defaultModel : (aliases[model] ?? model);
