/** What a run, or a part of it, has used. Input counts what was written to the cache, or read from it, as well. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

export const plus = (a: Usage, b: Usage): Usage => combined(a, b, (one, other) => one + other);
export const minus = (a: Usage, b: Usage): Usage => combined(a, b, (one, other) => one - other);
/** Of two accounts of the same: of each figure the larger. */
export const larger = (a: Usage, b: Usage): Usage => combined(a, b, Math.max);

const combined = (a: Usage, b: Usage, combine: (one: number, other: number) => number): Usage => ({
  inputTokens: combine(a.inputTokens, b.inputTokens),
  outputTokens: combine(a.outputTokens, b.outputTokens),
  costUsd: combine(a.costUsd, b.costUsd),
});
