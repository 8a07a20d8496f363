import { heads, idioms, type KnownSpecialty, labelWords, Specialties, WordWeights, words } from './words.ts';

/** A word or phrase of the tables. */
export interface Entry {
  /** Null for an idiom. */
  readonly specialty: KnownSpecialty | null;
  readonly word: string;
  readonly weight: number;
}

export const longestPhrase = 4;

/** The words of a text in the form in which the tables know them. */
export const stemsIn = (text: string): readonly string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).map(stemOf);

/** One form for singular and plural. It need be no word, only the same for both. */
function stemOf(word: string): string {
  if (word.length <= 3) return word;
  return word
    .replace(/ies$/, 'y')
    .replace(/(?<![su i])s$/, '')
    .replace(/e$/, '');
}

/** The longest phrase that begins at a place, else the word there; `length` is in words. */
export function longestAt(
  stems: readonly string[],
  at: number,
): { readonly entry: Entry | null; readonly length: number } {
  for (let length = Math.min(longestPhrase, stems.length - at); length > 0; length -= 1) {
    const entry = table.get(stems.slice(at, at + length).join(' '));
    if (entry !== undefined) return { entry, length };
  }
  return { entry: table.get(verbOf(stems[at] ?? '')) ?? null, length: 1 };
}

/** "clicked" and "clicking" are "click", where they are in no list by themselves. */
const verbOf = (stem: string): string => stem.replace(/(?<=\w{4})(?:ed|ing)$/, '');

/** "API" in "API tests", but not "unit" in "unit tests". */
export const isModifier = ({ specialty }: Entry, next = ''): boolean =>
  headStems.has(next) && table.get(next)?.specialty !== specialty;

/** What a label of these words alone asks for. */
export function specialtyOfLabel(label: string): KnownSpecialty | null {
  const phrase = stemsIn(label).join(' ');
  const entry = table.get(phrase);
  return labelTable.get(phrase) ?? (entry !== undefined && entry.weight >= 2 ? entry.specialty : null);
}

const listed = (list: string): readonly string[] => list.split(',').map((one) => one.trim().replaceAll(/\s+/g, ' '));
const phraseOf = (word: string): string => stemsIn(word).join(' ');

const headStems: ReadonlySet<string> = new Set(listed(heads).map(phraseOf));
const table: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ...Specialties.flatMap((specialty) =>
    WordWeights.flatMap((weight) =>
      listed(words[specialty][weight]).map((word) => [phraseOf(word), { specialty, word, weight }] as const),
    ),
  ),
  ...listed(idioms).map((word) => [phraseOf(word), { specialty: null, word, weight: 0 }] as const),
]);
const labelTable: ReadonlyMap<string, KnownSpecialty> = new Map(
  Specialties.flatMap((specialty) => listed(labelWords[specialty]).map((word) => [phraseOf(word), specialty] as const)),
);
