/** In USD for a million tokens. */
interface Price {
  readonly input: number;
  readonly output: number;
  /** Kept for five minutes. */
  readonly cacheWrite: number;
  /** Kept for an hour. */
  readonly cacheWriteLong: number;
  readonly cacheRead: number;
}

/** Of one call, in tokens. */
export interface TokenUsage {
  /** Neither written to nor read from the cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly cacheWriteLong: number;
  readonly cacheRead: number;
}

/**
 * As all of them are priced: a write costs a quarter more than plain input, one for an hour twice as much as that input, a
 * read a tenth of it where nothing else is said.
 */
const price = (input: number, output: number, cacheRead = input / 10): Price => ({
  input,
  output,
  cacheWrite: input * 1.25,
  cacheWriteLong: input * 2,
  cacheRead,
});

/**
 * From platform.claude.com/docs/en/about-claude/pricing, as of November 2026, and the same as what Claude Code 2.1.332
 * accounts for each kind of token (`npm run test:claude-code` compares them). The first whose name a model's id begins
 * with counts: the particular goes before the general, and a family's last entry is for those that came before.
 */
const prices: readonly (readonly [model: string, price: Price])[] = [
  ['claude-opus-5-5', price(4, 20, 0.2)],
  ['claude-opus-5', price(5, 25)],
  ['claude-opus-4-1', price(15, 75)],
  ['claude-opus-4-0', price(15, 75)],
  ['claude-opus-4-2025', price(15, 75)],
  ['claude-opus-4-', price(5, 25)],
  ['claude-sonnet-5-5', price(2, 10, 0.1)],
  ['claude-sonnet-5', price(2, 10)],
  ['claude-sonnet-', price(3, 15)],
  ['claude-haiku-5-5', price(0.1, 0.5)],
  ['claude-haiku-', price(1, 5)],
  ['claude-fable-5-2', price(8, 40, 0.2)],
  ['claude-fable-5-', price(10, 50, 0.25)],
  ['claude-fable-5', price(10, 50)],
  ['claude-mythos-5-2', price(8, 40, 0.2)],
  ['claude-mythos-5-', price(10, 50, 0.25)],
  ['claude-mythos-preview', price(25, 125)],
];

/** Haiku 5.5 costs five times as much where the prompt is longer than this, in tokens. */
const longPrompt = 100_000;
const longPrompts: typeof prices = [['claude-haiku-5-5', price(0.5, 2.5)]];

/** For a model that nobody has put on the list: better too dear than a budget that never ends. */
const dearest = price(25, 125);

/** A search of the web that the API makes itself, in USD. */
export const searchUsd = 0.01;

/** How many times as dear tokens are: where the API is asked to be fast as dear as for any model, and kept in the US. */
export const dearer = ({ isFast, isInUs }: { readonly isFast: boolean; readonly isInUs: boolean }): number =>
  (isFast ? 6 : 1) * (isInUs ? 1.1 : 1);

/** What the tokens of one call cost, in USD. */
export function costOf(model: string, usage: TokenUsage): number {
  const isLong = usage.input + usage.cacheWrite + usage.cacheWriteLong + usage.cacheRead > longPrompt;
  const found = (isLong ? find(longPrompts, model) : undefined) ?? find(prices, model) ?? dearest;
  const sum =
    usage.input * found.input +
    usage.output * found.output +
    usage.cacheWrite * found.cacheWrite +
    usage.cacheWriteLong * found.cacheWriteLong +
    usage.cacheRead * found.cacheRead;
  return sum / 1_000_000;
}

/** A gateway puts its own words before a model's name: `anthropic/claude-…`, `eu.anthropic.claude-…`. */
function find(list: typeof prices, model: string): Price | undefined {
  const id = model.slice(Math.max(0, model.indexOf('claude-')));
  return list.find(([name]) => id.startsWith(name))?.[1];
}
