/**
 * The word that was most likely meant by one that is none of `words`; null where none is near. One letter in three may
 * be wrong, missing or too many; two letters that have changed places are one slip.
 */
export function nearest(word: string, words: readonly string[]): string | null {
  const most = Math.floor(Math.min(word.length, longest) / 3);
  const [best] = words
    .map((one) => ({ one, slips: slipsBetween(word.slice(0, longest).toLowerCase(), one.toLowerCase()) }))
    .filter(({ slips }) => slips <= most)
    .sort((a, b) => a.slips - b.slips);
  return best?.one ?? null;
}

/** In letters. No word of ours is longer. */
const longest = 40;

/** The optimal string alignment distance. */
function slipsBetween(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(Math.min(at(row, j) + 1, at(next, j - 1) + 1, changed, isSwap ? at(before, j - 2) + 1 : changed));
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? 0;
