import { byText } from '../../protocol/ids.ts';
import { type Entry, isModifier, longestAt, stemsIn } from './lexicon.ts';
import { type KnownSpecialty, Specialties } from './words.ts';
import { zonesOf } from './zones.ts';

/** What an issue is about stands at its beginning; in characters. */
const readLength = 12_000;
/** A word of the title says what it is about; in the text it may only be mentioned, and what is pasted says little. */
const ZoneWeights = { title: 3, prose: 1, pasted: 0.25 } as const;
const leastScore = 4;
/** Of a single word: more than an everyday one has in all zones together. A telling one in the title has it. */
const leastScoreAlone = 5;
/** By how much the first must lead the second: below it, the text is as much about the one as about the other. */
const leastLead = 1.5;
const wordsInReason = 5;

export type Verdict =
  | { readonly type: 'clear'; readonly specialty: KnownSpecialty; readonly reason: string }
  | { readonly type: 'unclear'; readonly reason: string }
  | { readonly type: 'nothing' };

/** What each word that was found adds, by the specialty that it speaks for. */
type Found = ReadonlyMap<KnownSpecialty, ReadonlyMap<string, number>>;

/** What a title and a text are about, by their words alone: the same on every peer. */
export const specialtyByWords = (title: string, text: string): Verdict =>
  judge(findIn({ title, ...zonesOf(text.slice(0, readLength)) }));

function findIn(zones: Readonly<Record<keyof typeof ZoneWeights, string>>): Found {
  const found = new Map<KnownSpecialty, Map<string, number>>();
  for (const zone of ['title', 'prose', 'pasted'] as const) {
    for (const { specialty, word, weight } of entriesIn(zones[zone])) {
      if (specialty === null) continue;
      const scores = found.get(specialty) ?? new Map<string, number>();
      found.set(specialty, scores.set(word, (scores.get(word) ?? 0) + weight * ZoneWeights[zone]));
    }
  }
  return found;
}

function judge(found: Found): Verdict {
  const ranked = Specialties.map((specialty) => ({
    specialty,
    words: found.get(specialty) ?? new Map<string, number>(),
  }))
    .map((one) => ({ ...one, score: [...one.words.values()].reduce((sum, score) => sum + score, 0) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || byText(a.specialty, b.specialty));
  const [first, second] = ranked;
  if (first === undefined) return { type: 'nothing' };
  const least = first.words.size === 1 ? leastScoreAlone : leastScore;
  if (first.score >= least && first.score >= leastLead * (second?.score ?? 0)) {
    return { type: 'clear', specialty: first.specialty, reason: `title and text: ${foremost(first.words)}` };
  }
  const scores = ranked.map(({ specialty, score }) => `${specialty} ${score}`).join(', ');
  return { type: 'unclear', reason: `title and text are not clear: ${scores}` };
}

const foremost = (scores: ReadonlyMap<string, number>): string =>
  [...scores]
    .sort(([a, scoreA], [b, scoreB]) => scoreB - scoreA || byText(a, b))
    .slice(0, wordsInReason)
    .map(([word]) => word)
    .join(', ');

/** Each word of the tables that stands in the text, once. */
function entriesIn(text: string): ReadonlySet<Entry> {
  const found = new Set<Entry>();
  // No phrase goes on past the end of a sentence.
  for (const sentence of spelledOut(text).split(/[.,;:!?]\s|\n\s*\n/)) {
    const stems = stemsIn(sentence);
    for (let at = 0; at < stems.length; ) {
      const { entry, length } = longestAt(stems, at);
      at += length;
      if (entry === null) continue;
      if (!isModifier(entry, stems[at])) found.add(entry);
      if (entry.specialty === 'testing' && subjectMarks.has(stems[at] ?? '')) break;
    }
  }
  return found;
}

/** "Tests for the API": the rest of the sentence says what is tested, not what is to be done. */
const subjectMarks: ReadonlySet<string> = new Set(['for', 'of']);

/** `GET /orders`; and the methods alone, which in lower case are everyday words. */
const route = /\b(?:GET|POST|PUT|PATCH|DELETE)\s+\/\S*/g;
const method = /\b(?:GET|POST|PUT|PATCH|DELETE)\b/g;
/** `returns 409`, `a 500`; but not `500 orders`. */
const status = /\b(?:returns?|answers?|responds?(?: with)?|gives?|status|code|http|error|an?)(?: an?)? [45]\d\d\b/gi;

const spelledOut = (text: string): string =>
  text.replaceAll(route, 'endpoint').replaceAll(method, 'http method').replaceAll(status, 'http status');
