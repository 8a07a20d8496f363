/** 32 hex digits from the core's own generator, so that a seeded run repeats itself. */
export function randomHex(random: () => number): string {
  return Array.from({ length: 8 }, () =>
    Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, '0'),
  ).join('');
}
