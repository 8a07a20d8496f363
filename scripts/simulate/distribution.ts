import { count, duration } from './format.ts';

export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Null where there is nothing to speak of. Quantiles are values that occurred: the smallest with that share at or below. */
export function distributionOf(values: readonly number[]): Distribution | null {
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  if (sorted.length === 0) return null;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return {
    count: sorted.length,
    mean,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: quantile(1),
  };
}

/** Edges of 1, 3, 10, 30 … ms: latencies span five decades, and the eye compares decades. */
const edgeAt = (index: number): number => (index % 2 === 0 ? 1 : 3) * 10 ** Math.floor(index / 2);
const bucketOf = (ms: number): number => {
  let index = 0;
  while (edgeAt(index) < ms) index += 1;
  return index;
};

const barWidth = 40;

/** One line per bucket, from the first that holds something to the last. */
export function histogram(valuesMs: readonly number[]): readonly string[] {
  const counts = new Map<number, number>();
  for (const value of valuesMs) counts.set(bucketOf(value), (counts.get(bucketOf(value)) ?? 0) + 1);
  if (counts.size === 0) return [];
  const first = Math.min(...counts.keys());
  const last = Math.max(...counts.keys());
  const most = Math.max(...counts.values());
  return Array.from({ length: last - first + 1 }, (_, offset) => {
    const held = counts.get(first + offset) ?? 0;
    return `≤ ${duration(edgeAt(first + offset)).padStart(7)}  ${bar(held / most)} ${count(held)}`;
  });
}

/** Eighths of a character, so that small counts show. */
function bar(share: number): string {
  const eighths = Math.ceil(share * barWidth * 8);
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : String.fromCodePoint(0x2590 - rest));
}
