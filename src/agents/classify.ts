import { byText } from '../protocol/ids.ts';
import { Limits } from '../protocol/limits.ts';
import { type Draft, specialtySchema } from '../protocol/record.ts';

type Requires = Draft['requires'];

/** The words that people label issues with, by the specialty that each asks for. */
const words: Readonly<Record<string, readonly string[]>> = {
  backend: ['backend', 'back-end', 'server', 'api', 'database'],
  devops: ['devops', 'ci', 'cd', 'ci/cd', 'docker', 'infra', 'infrastructure', 'deployment'],
  frontend: ['frontend', 'front-end', 'ui', 'ux', 'css'],
  testing: ['testing', 'test', 'tests', 'qa'],
};
const specialtyOf: ReadonlyMap<string, string> = new Map(
  Object.entries(words).flatMap(([specialty, named]) => named.map((word) => [word, specialty] as const)),
);

/** `specialty:mobile` asks for one that only these PCs know. */
const ownName = /^specialty[:/]\s*(.+)$/;

/** What an issue's labels ask for: a wish that scores, not a condition. */
export function requiresFromLabels(labels: readonly string[]): Requires {
  const found = labels.flatMap((label) => {
    const specialty = fromLabel(label);
    return specialty === null ? [] : [{ label, specialty }];
  });
  const specialties = [...new Set(found.map(({ specialty }) => specialty))].sort(byText).slice(0, Limits.specialties);
  if (found.length === 0) {
    const reason = labels.length === 0 ? 'nothing says what it takes' : 'no label names a specialty';
    return { specialties, explicit: false, reason };
  }
  const reason = `${found.length === 1 ? 'label' : 'labels'} ${found.map(({ label }) => label).join(', ')}`;
  return { specialties, explicit: false, reason: reason.slice(0, Limits.line) };
}

/** What a person asked for by name: a condition. */
export const requiresByName = (specialties: readonly string[]): Requires => ({
  specialties: [...specialties],
  explicit: true,
  reason: 'asked for by name',
});

/** `backend`, `area: Backend`, `area/ci`; null for a label that says nothing of the kind. */
function fromLabel(label: string): string | null {
  const text = label.trim().toLowerCase();
  const own = specialtySchema.safeParse(ownName.exec(text)?.[1]);
  if (own.success) return own.data;
  const last = text.split(/[:/]\s*/).at(-1) ?? '';
  return specialtyOf.get(text) ?? specialtyOf.get(last) ?? null;
}
