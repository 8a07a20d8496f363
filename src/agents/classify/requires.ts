import { Limits } from '../../protocol/limits.ts';
import type { Draft } from '../../protocol/record.ts';
import { specialtyByWords } from './keywords.ts';
import { specialtiesOfLabels } from './labels.ts';

type Requires = Draft['requires'];

/** What there is to tell what a task takes. */
export interface Described {
  readonly title: string;
  readonly text: string;
  readonly labels: readonly string[];
}

/** What a task seems to take, by its labels, else by its words: a wish that scores, not a condition. */
export function requiresOf({ title, text, labels }: Described): Requires {
  const named = specialtiesOfLabels(labels);
  if (named !== null) return wish(named.specialties, named.reason);
  const verdict = specialtyByWords(title, text);
  switch (verdict.type) {
    case 'clear':
      return wish([verdict.specialty], verdict.reason);
    case 'unclear':
      return wish([], verdict.reason);
    case 'nothing':
      return wish([], 'nothing says what it takes');
  }
}

const wish = (specialties: readonly string[], reason: string): Requires => ({
  specialties: [...specialties],
  explicit: false,
  reason: reason.slice(0, Limits.line),
});

/** What a person asked for by name: a condition. */
export const requiresByName = (specialties: readonly string[]): Requires => ({
  specialties: [...specialties],
  explicit: true,
  reason: 'asked for by name',
});
